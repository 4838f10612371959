"""Sticks and disks that are plugged in."""
