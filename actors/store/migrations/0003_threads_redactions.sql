-- Where a message was written, and that one was taken back.
ALTER TABLE inbox ADD COLUMN redacts TEXT;
ALTER TABLE inbox ADD COLUMN thread_id TEXT NOT NULL DEFAULT '';

ALTER TABLE inbox ADD COLUMN is_shared INTEGER NOT NULL DEFAULT 0;
UPDATE inbox SET is_shared = 1 WHERE room LIKE 'telegram/-%';

-- A reaction says only which message of ours it is about.
CREATE INDEX outbox_remote ON outbox (room, remote_id) WHERE remote_id IS NOT NULL;
