"""Liftgate lifts heavy files to Gemini."""

__version__ = "0.1.0"
