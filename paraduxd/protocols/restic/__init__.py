"""The protocol `restic`."""
