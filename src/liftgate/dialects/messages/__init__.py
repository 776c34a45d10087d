"""Anthropic's Messages API, and its forms of files, models and errors."""
