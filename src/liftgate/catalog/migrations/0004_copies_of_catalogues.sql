-- What the database and the store physically are: a copy of the one beside the same other is found by it. '': not noted yet.
-- `alone_since` is 'Infinity' once another catalogue's trace was found, until an operator says that it is gone.
ALTER TABLE store ADD COLUMN catalogue_body TEXT NOT NULL DEFAULT '';

ALTER TABLE store ADD COLUMN store_body TEXT NOT NULL DEFAULT '';
