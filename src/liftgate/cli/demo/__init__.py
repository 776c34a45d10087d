"""`liftgate demo`."""
