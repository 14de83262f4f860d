"""People, rooms, slots and sessions: what happens to a message between journal and answer."""
