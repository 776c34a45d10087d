-- What calls of models used and cost, summed by key, owner, model and day (UTC, 2026-11-28).
CREATE TABLE usage (
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    model TEXT NOT NULL,
    day TEXT NOT NULL,
    requests BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    unpriced BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    input_tokens BIGINT NOT NULL,
    cached_tokens BIGINT NOT NULL,
    image_tokens BIGINT NOT NULL,
    video_tokens BIGINT NOT NULL,
    audio_tokens BIGINT NOT NULL,
    document_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL,
    reasoning_tokens BIGINT NOT NULL,
    nano_usd BIGINT NOT NULL,
    PRIMARY KEY (key, owner, model, day)
);

CREATE INDEX usage_by_owner ON usage (owner, day);

CREATE INDEX usage_by_day ON usage (day);

-- How many bytes of a process's journal of spend the rows above hold already.
CREATE TABLE usage_journals (
    id TEXT PRIMARY KEY,
    settled BIGINT NOT NULL
);
