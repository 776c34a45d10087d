"""Where bytes are kept: the spool they arrive in, and the store they stay in (a directory, or an object store).

What is stored: one object per blob in a directory (`blobs/xy/blob-…`), one object per 8 MiB in an object store
(`prefix/blob-…/00000`). Nothing here knows of files, owners or Gemini.
"""
