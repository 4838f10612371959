"""The journal: what has happened, in SQLite."""
