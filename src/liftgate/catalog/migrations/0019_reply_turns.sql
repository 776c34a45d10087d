-- A turn of a few texts is one row: `body` has its response in brief, with the output, and this the items that it was asked
-- with, as a list in JSON. NULL: the items are rows of `reply_items`, and `body` is the whole object without output.
ALTER TABLE replies ADD COLUMN given BLOB;
