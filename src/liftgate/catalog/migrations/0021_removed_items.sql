-- Where an item that was removed stood in its conversation, so that a listing whose cursor was removed goes on.
CREATE TABLE removed_items (
    conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    owner TEXT NOT NULL,
    place BIGINT NOT NULL,
    removed_at DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (conversation_id, id)
);

CREATE INDEX removed_items_age ON removed_items (removed_at);

CREATE INDEX removed_items_owner ON removed_items (owner);
