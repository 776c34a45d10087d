"""The Files API and its uploads."""
