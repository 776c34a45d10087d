"""The benchmark: Liftgate beside a direct call, an nginx hop and other gateways, in one run. `./scripts/bench` runs it.

It measures programs from outside, over loopback, and imports nothing of Liftgate.
"""
