-- The team that a key names, which may be another than its owner.
ALTER TABLE keys ADD COLUMN team TEXT;

UPDATE keys SET team = TEAM_OF_TERMS;

CREATE INDEX keys_team ON keys (team, id) WHERE team IS NOT NULL;
