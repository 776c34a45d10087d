"""A gateway over HTTP: `Liftgate(base_url=…)`, and what the command line sends files with."""
