"""What the daemon stands on."""
