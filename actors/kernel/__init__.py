"""Supervised actors: mailboxes, lives, restarts; knows nothing of chats."""
