"""Copies of what is ours at Google: made when needed, made again when gone, purged when they have no use.

What a copy is of is the truth, and the copy a cache entry (docs/architecture.md, "The nouns", "Copies"). A `kind` says
what can be copied and how it is made; `kinds/` has a module for each. All else is shared: `live` (memory), `ensure`
(all who need it), `maker` (one makes it, the others wait), `lease`, `decide` (what a row means), `row` (written under
the fence), `renew`, `purge` and `evict`.
"""
