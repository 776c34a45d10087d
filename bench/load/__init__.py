"""Clients that make load. Each is bounded in count or time, and counts what it got back."""
