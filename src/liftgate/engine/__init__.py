"""Use cases: what the gateway does for a client, joined from the rooms below. The faces call it, nothing else does."""
