"""The catalogue: what Liftgate knows, in SQL. SQLite in one file, or PostgreSQL, behind one seam.

`database` opens it and runs functions of a connection in threads; `rows` has such functions, one per question or
change, in a module for each kind of thing that is kept. Bytes live elsewhere (`liftgate.blobs`).
"""
