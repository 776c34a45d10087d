"""`liftgate chat`."""
