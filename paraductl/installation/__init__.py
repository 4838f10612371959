"""Putting an installed Paradux in its place on a machine with systemd."""
