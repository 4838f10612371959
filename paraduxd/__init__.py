"""Paradux's daemon; each sub-package says which process runs its code."""
