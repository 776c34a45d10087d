"""The catalogue: what Liftgate knows, in SQL. SQLite in one file, or PostgreSQL, behind one seam.

`database` opens it and runs functions of a connection in threads; `files`, `blobs`, `copies`, `leases`, `signatures`
and `uploads` are such functions, one per question or change. Bytes live elsewhere (`liftgate.blobs`).
"""
