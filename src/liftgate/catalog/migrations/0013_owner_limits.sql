-- What owners may use together, whichever of their keys asks. `terms`: JSON (`keys/terms`).
CREATE TABLE owner_limits (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    alias TEXT,
    created_at DOUBLE PRECISION NOT NULL,
    updated_at DOUBLE PRECISION NOT NULL,
    terms TEXT NOT NULL
);

CREATE UNIQUE INDEX owner_limits_owner ON owner_limits (owner);

-- As `allowances`, of the limits of owners.
CREATE TABLE owner_allowances (
    id TEXT PRIMARY KEY,
    owner_id TEXT NOT NULL REFERENCES owner_limits (id),
    state TEXT NOT NULL
);

CREATE INDEX owner_allowances_owner ON owner_allowances (owner_id);
