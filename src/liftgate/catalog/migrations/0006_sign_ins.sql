-- Browsers that signed in to the page. `id`: the SHA-256 of the cookie, which is nowhere. `sealed_key`: the key, readable with the
-- cookie alone.
CREATE TABLE sign_ins (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    sealed_key BLOB NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    used_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX sign_ins_owner ON sign_ins (owner, created_at);

CREATE INDEX sign_ins_ending ON sign_ins (expires_at);
