"""Recovering a config from kits."""
