"""The sandbox: an emulator of the Gemini API (files, models, generateContent) as an ASGI app of its own.

It imports nothing of Liftgate, so that one misreading of the protocol cannot pass on both sides. It is not a model:
its answers are computed from the bytes that it was given, and prove it. `liftgate.sandbox.app` builds the app,
`liftgate.sandbox.server` runs it, `liftgate.sandbox.control` documents the routes that tests use to steer it.
"""
