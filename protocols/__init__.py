"""What the actors say to each other: ids, messages and ports; no code that does anything."""
