"""Saving a config: generate, check, apply, publish, rotate."""
