-- What a message is beside its text; the lists are JSON.
ALTER TABLE inbox ADD COLUMN message_id TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN language TEXT NOT NULL DEFAULT '';
ALTER TABLE inbox ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
ALTER TABLE inbox ADD COLUMN edits TEXT;
ALTER TABLE inbox ADD COLUMN press TEXT;
ALTER TABLE inbox ADD COLUMN decided TEXT NOT NULL DEFAULT '';
CREATE INDEX inbox_message ON inbox (room, message_id) WHERE message_id <> '';

ALTER TABLE outbox ADD COLUMN keyboard TEXT NOT NULL DEFAULT '[]';
ALTER TABLE outbox ADD COLUMN files TEXT NOT NULL DEFAULT '[]';
ALTER TABLE outbox ADD COLUMN amends TEXT;
