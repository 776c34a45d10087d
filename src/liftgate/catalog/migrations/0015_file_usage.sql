-- What calls that used a File cost, of each call the whole (2026-11-29).
CREATE TABLE file_usage (
    file_id TEXT PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    requests BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    nano_usd BIGINT NOT NULL
);
