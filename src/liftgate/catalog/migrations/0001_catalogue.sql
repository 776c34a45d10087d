-- The nouns of the design: files, blobs, replicas, leases, uploads, signatures.
-- Times are seconds since the epoch, sizes bytes, hashes lower-case hex.

CREATE TABLE blobs (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    orphaned_at DOUBLE PRECISION
);

-- At most one blob of an owner holds the same bytes; an orphaned one is never used again.
CREATE UNIQUE INDEX blobs_content ON blobs (owner, sha256, bytes) WHERE orphaned_at IS NULL;

CREATE INDEX blobs_orphaned ON blobs (orphaned_at) WHERE orphaned_at IS NOT NULL;

-- Present only for a blob that is a manifest: its bytes are these objects, one after the other.
CREATE TABLE blob_parts (
    blob_id TEXT NOT NULL REFERENCES blobs (id),
    ordinal BIGINT NOT NULL,
    key TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (blob_id, ordinal)
);

CREATE INDEX blob_parts_key ON blob_parts (key);

CREATE TABLE files (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    blob_id TEXT NOT NULL REFERENCES blobs (id),
    filename TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    purpose TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION,
    status TEXT NOT NULL,
    status_details TEXT,
    alias TEXT,
    display_name TEXT
);

CREATE UNIQUE INDEX files_alias ON files (owner, alias) WHERE alias IS NOT NULL;

CREATE INDEX files_listed ON files (owner, created_at, id);

CREATE INDEX files_listed_by_purpose ON files (owner, purpose, created_at, id);

CREATE INDEX files_expiring ON files (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX files_blob ON files (blob_id);

CREATE INDEX files_pending ON files (created_at) WHERE status = 'uploaded';

-- Where a deleted file stood in its owner's list, so that a listing whose cursor was deleted goes on.
CREATE TABLE removed_files (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    removed_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX removed_files_age ON removed_files (removed_at);

CREATE INDEX removed_files_owner ON removed_files (owner);

-- What an owner uses; a cache of what files says. Its row is what serialises an owner's commits and deletes.
CREATE TABLE owners (
    owner TEXT PRIMARY KEY,
    files BIGINT NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE TABLE replicas (
    blob_id TEXT NOT NULL REFERENCES blobs (id),
    mime_type TEXT NOT NULL,
    account TEXT NOT NULL,
    state TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    name TEXT NOT NULL,
    uri TEXT NOT NULL,
    generation BIGINT NOT NULL,
    upload_url TEXT,
    expires_at DOUBLE PRECISION,
    used_at DOUBLE PRECISION NOT NULL,
    error TEXT,
    PRIMARY KEY (blob_id, mime_type, account)
);

CREATE INDEX replicas_used ON replicas (account, used_at) WHERE state = 'active';

CREATE INDEX replicas_expiring ON replicas (expires_at) WHERE expires_at IS NOT NULL;

CREATE INDEX replicas_unfinished ON replicas (state) WHERE state IN ('uploading', 'processing');

-- Names at Gemini to delete and upload sessions to cancel, until it is done.
CREATE TABLE doomed (
    id AUTOKEY,
    account TEXT NOT NULL,
    name TEXT NOT NULL,
    upload_url TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    doomed_at DOUBLE PRECISION NOT NULL,
    due_at DOUBLE PRECISION NOT NULL
);

CREATE UNIQUE INDEX doomed_once ON doomed (account, name, upload_url);

CREATE INDEX doomed_due ON doomed (due_at, id);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    generation BIGINT NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX leases_expiring ON leases (expires_at);

-- Fencing generations come from one counter, so that they keep growing when the row of a lease is gone.
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('generation', 0);

CREATE TABLE signatures (
    owner TEXT NOT NULL,
    call_id TEXT NOT NULL,
    value BLOB NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (owner, call_id)
);

CREATE INDEX signatures_age ON signatures (created_at);

CREATE TABLE uploads (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    kind TEXT NOT NULL,
    filename TEXT NOT NULL,
    purpose TEXT NOT NULL,
    mime_type TEXT NOT NULL,
    bytes BIGINT,
    created_at DOUBLE PRECISION NOT NULL,
    expires_at DOUBLE PRECISION NOT NULL,
    status TEXT NOT NULL,
    received BIGINT NOT NULL,
    file_id TEXT,
    md5 TEXT,
    secret_hash TEXT,
    alias TEXT,
    display_name TEXT,
    file_expires_after BIGINT
);

CREATE UNIQUE INDEX uploads_secret ON uploads (secret_hash) WHERE secret_hash IS NOT NULL;

CREATE INDEX uploads_expiring ON uploads (status, expires_at);

CREATE INDEX uploads_owner ON uploads (owner);

CREATE TABLE upload_parts (
    id TEXT PRIMARY KEY,
    upload_id TEXT NOT NULL REFERENCES uploads (id),
    start BIGINT,
    key TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    sha256 TEXT NOT NULL,
    md5 TEXT,
    created_at DOUBLE PRECISION NOT NULL
);

CREATE INDEX upload_parts_upload ON upload_parts (upload_id);

CREATE UNIQUE INDEX upload_parts_start ON upload_parts (upload_id, start) WHERE start IS NOT NULL;

CREATE INDEX upload_parts_key ON upload_parts (key);

-- What other processes that share a SQLite file must forget; PostgreSQL has NOTIFY and leaves this empty.
CREATE TABLE invalidations (
    seq AUTOKEY,
    topic TEXT NOT NULL,
    key TEXT NOT NULL,
    origin TEXT NOT NULL,
    at DOUBLE PRECISION NOT NULL
);
