-- What proves that bytes may be deleted: which store belongs to this catalogue, a clock that no jump moves, and what was
-- found in the store and is not known here.

-- One row. `catalogue_mark` and `store_mark` are also in the store ('' until it was seen there); `place` is where that was
-- found, for messages. `turn`: what the last sweep left in the store, and `next_turn` what one that has begun is about to
-- leave; `alone_since`: since when nobody else has left anything there.
CREATE TABLE store (
    id BIGINT PRIMARY KEY,
    catalogue_mark TEXT NOT NULL,
    store_mark TEXT NOT NULL,
    place TEXT NOT NULL,
    turn TEXT NOT NULL,
    next_turn TEXT NOT NULL,
    alone_since DOUBLE PRECISION NOT NULL
);

-- One row. `steady` goes on with the database's clock, never back, and never further than time was watched. `grace`: the
-- longest that a gateway of these days asks for, and when one last did.
CREATE TABLE steady_clock (
    id BIGINT PRIMARY KEY,
    steady DOUBLE PRECISION NOT NULL,
    seen_at DOUBLE PRECISION NOT NULL,
    grace DOUBLE PRECISION NOT NULL,
    grace_at DOUBLE PRECISION NOT NULL
);

-- Objects of the store that no row names. Once condemned, a key can never be a file's; the row outlives the object.
CREATE TABLE unknown_objects (
    key TEXT PRIMARY KEY,
    noted_at DOUBLE PRECISION NOT NULL,
    condemned_at DOUBLE PRECISION
);

CREATE INDEX unknown_objects_condemned ON unknown_objects (condemned_at) WHERE condemned_at IS NOT NULL;

-- How long a lease was taken for: one that ends later than that from now is an error of a clock.
ALTER TABLE leases ADD COLUMN seconds DOUBLE PRECISION;

-- How far the steady clock was behind the database's when `expires_at` was set: its time is over when the steady clock
-- shows the difference of the two.
ALTER TABLE uploads ADD COLUMN lag DOUBLE PRECISION;

ALTER TABLE files ADD COLUMN lag DOUBLE PRECISION;
