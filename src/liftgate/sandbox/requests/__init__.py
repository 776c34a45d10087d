"""What Gemini accepts and refuses in a request."""
