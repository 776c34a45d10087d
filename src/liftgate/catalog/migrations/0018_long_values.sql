-- What follows the first 64 KiB of a value that a client, or a model, may make as long as a whole request: the row holds
-- its beginning, and here lies the rest, in pieces.

-- `what`: table and column. `holder`, `place`: the row. `number`: of the piece, from 1.
CREATE TABLE long_values (
    owner TEXT NOT NULL,
    what TEXT NOT NULL,
    holder TEXT NOT NULL,
    place BIGINT NOT NULL,
    number BIGINT NOT NULL,
    piece BLOB NOT NULL,
    PRIMARY KEY (owner, what, holder, place, number)
);
