"""Disks, sticks and mounts."""
