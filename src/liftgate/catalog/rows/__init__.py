"""A module for each table, or for the few that are written together."""
