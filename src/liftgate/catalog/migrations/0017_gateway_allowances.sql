-- As `allowances`, of what bounds all callers together. `made_at`: from when windows of hours and of some days are counted.
CREATE TABLE gateway_allowances (
    id TEXT PRIMARY KEY,
    made_at DOUBLE PRECISION NOT NULL,
    state TEXT NOT NULL
);
