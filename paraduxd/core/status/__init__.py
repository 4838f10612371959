"""How everything is, and what is said about it."""
