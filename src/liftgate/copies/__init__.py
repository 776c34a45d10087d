"""Copies of blobs at Gemini: made when they are needed, made again when they are gone, removed when nobody needs them.

The blob is the truth and a replica a cache entry (DESIGN.md 1, 2). `decide` says what a replica's row means, `ensure`
makes a usable one and lets all others wait for it, `kinds/page_in` carries the bytes, `kinds/head_start` begins while
the file still arrives, `evict` makes room in a full project, `refresh` is what happens in the background.
"""
