"""The client against a daemon in memory."""
