-- What is shown around the words of an outgoing message, and is no part of them.
ALTER TABLE outbox ADD COLUMN footer TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN folded TEXT NOT NULL DEFAULT '';
