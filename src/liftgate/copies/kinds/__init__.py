"""What a copy can be."""
