"""Plugins that talk to stashes; only worker processes run them."""
