"""HTTP and JSON as Google's front reads and writes them."""
