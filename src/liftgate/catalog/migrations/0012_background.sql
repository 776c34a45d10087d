-- Responses that are made in the background, from their request to their end; what came of one that was answered is a row
-- of `replies`, like any other.

-- `state`: the response's status. `attempts`: how often it was begun; `generation`: the lease's under which it last was.
-- `shown`: 1 once a reader has got something of the answer. `streamed`: its events are logged. `request`: JSON, '' at the
-- end. `body`: the Response object as JSON as long as there is none in `replies`. `key_name`, `key_id`: whose call
-- it is; `key_made`: 1 where that key was made at run time.
CREATE TABLE reply_runs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    generation BIGINT NOT NULL,
    shown BIGINT NOT NULL,
    streamed BIGINT NOT NULL,
    ended_at DOUBLE PRECISION,
    request BLOB NOT NULL,
    body BLOB NOT NULL,
    key_name TEXT NOT NULL,
    key_id TEXT NOT NULL,
    key_made BIGINT NOT NULL
);

CREATE INDEX reply_runs_age ON reply_runs (created_at);

CREATE INDEX reply_runs_in_flight ON reply_runs (owner) WHERE state IN ('queued', 'in_progress');

-- The stream's frames by their numbers, for readers that come back; gone an hour after the end.
CREATE TABLE reply_events (
    run_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    frame BLOB NOT NULL,
    PRIMARY KEY (run_id, number)
);
