"""What the supervisor may know of a config, and how it follows from it."""
