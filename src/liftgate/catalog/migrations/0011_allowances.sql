-- What the limits of keys have let out; `state` is JSON (`keys/pools`), '' before the first request.
CREATE TABLE allowances (
    id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL REFERENCES keys (id),
    state TEXT NOT NULL
);

CREATE INDEX allowances_key ON allowances (key_id);
