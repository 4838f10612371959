"""Metadata stashes."""
