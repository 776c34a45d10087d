"""Runs the gateway, the sandbox and their workers."""
