"""Recovering, kits into folders, restoring everything."""
