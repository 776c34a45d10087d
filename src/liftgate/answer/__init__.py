"""Gemini's answers as neutral values: what was said, called, drawn, cited and counted."""
