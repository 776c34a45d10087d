"""Which deployment answers a request: health, choice, and what happens after a failure.

Knows nothing of Gemini, files or HTTP: an attempt is a function of a deployment, affinity a number, an error its class.
`attempts.Router` is the whole of it for the engine; `health` and `choose` are pure.
"""
