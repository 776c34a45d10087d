-- Keys that are made at run time. `token`: the SHA-256 of the secret, which is nowhere. `hint`: what its holder knows it by.
-- `old_token`: of the secret before the last regeneration, which is good until `old_until`. `terms`: JSON (`keys/terms`).
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    token TEXT NOT NULL,
    hint TEXT NOT NULL,
    alias TEXT,
    owner TEXT NOT NULL,
    blocked BIGINT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION,
    old_token TEXT,
    old_until DOUBLE PRECISION,
    terms TEXT NOT NULL
);

CREATE UNIQUE INDEX keys_token ON keys (token);

CREATE UNIQUE INDEX keys_alias ON keys (alias) WHERE alias IS NOT NULL;

CREATE INDEX keys_old_token ON keys (old_token) WHERE old_token IS NOT NULL;

CREATE INDEX keys_owner ON keys (owner, id);
