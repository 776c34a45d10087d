"""The wire to Gemini: the client, its upload protocol, its File resource, and the one map from its errors to ours.

`client` does the I/O; `upload_session`, `files` and `status` are pure. Nothing here knows of owners, blobs or copies,
nor how an OpenAI request is translated: bodies come in and go out as ready JSON bytes.
"""
