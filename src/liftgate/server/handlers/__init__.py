"""Decode, call the engine, encode: one module per noun of the API, functions from a Request to a Response."""
