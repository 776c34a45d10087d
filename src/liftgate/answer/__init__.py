"""Gemini's answers as neutral values: text, calls, media, citations and counts."""
