"""Python functions with LiteLLM's names, and the `Liftgate` client: one of the three faces, beside `server` and `cli`.

`functions` are what `from liftgate import …` gives; `client` holds the explicit objects. Below them are three engines
with one interface: `direct` talks to Gemini and keeps nothing, `durable` is the gateway's own engine in this process,
`remote` asks a gateway that runs somewhere else.
"""
