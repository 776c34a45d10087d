"""Gemini's request in the making: what a client's API asks for, checked against what the model can do."""
