"""Epochs, published configs, kits, drills: the rules."""
