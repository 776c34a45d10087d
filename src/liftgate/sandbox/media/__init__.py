"""What lies in a media file: type, duration, size, tokens."""
