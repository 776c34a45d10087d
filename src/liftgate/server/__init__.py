"""The gateway's HTTP face: a plain ASGI application and the uvicorn it is shipped with.

A handler decodes, calls the engine and encodes; nothing here knows SQL, Gemini or how a file is kept.
"""
