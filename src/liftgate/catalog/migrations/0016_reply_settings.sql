-- Large settings of stored responses (instructions, tools), which clients repeat with every turn: each stored once for its
-- owner, and which responses have it.

-- `digest`: SHA-256 of `value`, which is JSON.
CREATE TABLE reply_settings (
    owner TEXT NOT NULL,
    digest TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (owner, digest)
);

-- `field`: of the Response object, where null stands in its row.
CREATE TABLE reply_setting_uses (
    holder TEXT NOT NULL REFERENCES replies (id) ON DELETE CASCADE,
    field TEXT NOT NULL,
    owner TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (holder, field)
);

CREATE INDEX reply_setting_uses_digest ON reply_setting_uses (owner, digest);
