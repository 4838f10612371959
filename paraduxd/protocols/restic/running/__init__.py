"""One restic while it runs: what it says, and the lock that it holds."""
