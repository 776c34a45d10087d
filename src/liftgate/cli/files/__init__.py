"""`liftgate files`: transfers to and from a running gateway."""
