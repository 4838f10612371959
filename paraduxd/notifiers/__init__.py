"""Plugins that tell somebody; they never read the vault."""
