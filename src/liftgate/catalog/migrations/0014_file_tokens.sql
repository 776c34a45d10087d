-- What files come to in tokens, as Google counted them. `name`: the digest of the model, the part of a request that has
-- the file, and the settings that change its count. `tokens`: JSON, by Google's names of modalities.
CREATE TABLE file_tokens (
    name TEXT PRIMARY KEY,
    blob_id TEXT NOT NULL REFERENCES blobs (id) ON DELETE CASCADE,
    tokens TEXT NOT NULL
);

CREATE INDEX file_tokens_blob ON file_tokens (blob_id);
