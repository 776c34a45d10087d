-- Random words that only the gateways of this catalogue know, each made once: their keys are derived from them.
CREATE TABLE secrets (
    name TEXT PRIMARY KEY,
    value BLOB NOT NULL
);
