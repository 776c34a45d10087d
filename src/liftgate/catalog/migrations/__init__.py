"""The schema as numbered SQL files, applied in order by `catalog.migrate`. Only ever added to, never edited."""
