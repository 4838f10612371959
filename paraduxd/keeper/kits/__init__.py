"""Writing kits."""
