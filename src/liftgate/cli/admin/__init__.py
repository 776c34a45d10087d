"""`liftgate admin`: work on a data directory or database, beside a gateway or without one."""
