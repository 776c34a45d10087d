"""The command line. `main` is the argument tree; each command's module is loaded only when it is used."""
