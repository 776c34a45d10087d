-- Stored responses: each with its own input and output items, never those of the responses before it.

-- `previous_id`: the response that it goes on from, which may have been deleted; `depth`: its place in that chain, from 1.
-- `body`: the Response object as JSON, without `output`. `bytes`: of it and of its items.
CREATE TABLE replies (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    previous_id TEXT,
    depth BIGINT NOT NULL,
    body BLOB NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE INDEX replies_age ON replies (created_at);

CREATE INDEX replies_previous ON replies (previous_id) WHERE previous_id IS NOT NULL;

-- `holder`: the response whose turn brought it, at `position`. `id`: what clients call it, in no way unique. `given`: 1
-- where it is of the input, 0 of the output. `signature`: the thought signature of a function call.
CREATE TABLE reply_items (
    holder TEXT NOT NULL,
    position BIGINT NOT NULL,
    owner TEXT NOT NULL,
    id TEXT NOT NULL,
    given BIGINT NOT NULL,
    item BLOB NOT NULL,
    signature BLOB,
    PRIMARY KEY (holder, position)
);

CREATE INDEX reply_items_id ON reply_items (owner, id);

-- Files that hold what came inline in the items of a response: each goes with the last one that needs it.
CREATE TABLE reply_files (
    holder TEXT NOT NULL,
    file_id TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (holder, file_id)
);

CREATE INDEX reply_files_file ON reply_files (file_id);

-- What the stored responses of an owner take, so that a quota need not add it up.
CREATE TABLE reply_usage (
    owner TEXT PRIMARY KEY,
    bytes BIGINT NOT NULL
);
