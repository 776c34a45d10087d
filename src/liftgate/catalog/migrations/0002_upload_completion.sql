-- What an upload was completed with, so that completing it again is answered alike, and otherwise refused.

ALTER TABLE uploads ADD COLUMN completion TEXT;
