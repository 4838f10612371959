"""Pulling from a source, and what could not be pulled."""
