"""The two connections to the daemon."""
