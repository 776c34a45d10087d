-- Conversations: lists of items that responses go on from and are added to.

-- `metadata`: JSON. `next_place`: where the next item goes.
CREATE TABLE conversations (
    id TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    metadata BLOB NOT NULL,
    next_place BIGINT NOT NULL
);

CREATE INDEX conversations_owner ON conversations (owner);

-- The conversation that an item stands in, at `place`. `held`: 1 while the response that brought it is there; an item that
-- neither holds is erased. `holder` of an item that a client added itself is random, one for each.
ALTER TABLE reply_items ADD COLUMN conversation_id TEXT;

ALTER TABLE reply_items ADD COLUMN place BIGINT;

ALTER TABLE reply_items ADD COLUMN held BIGINT NOT NULL DEFAULT 1;

CREATE INDEX reply_items_conversation ON reply_items (conversation_id, place) WHERE conversation_id IS NOT NULL;

-- The conversation that a response was made in, and where its items begin there.
ALTER TABLE replies ADD COLUMN conversation_id TEXT;

ALTER TABLE replies ADD COLUMN place BIGINT;
