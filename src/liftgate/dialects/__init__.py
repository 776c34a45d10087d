"""The APIs that clients speak. A dialect reads a request and writes answers; it knows no other dialect."""
