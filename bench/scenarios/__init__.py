"""What is measured: one module per word of the command line."""
