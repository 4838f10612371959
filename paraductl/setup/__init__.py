"""The questions of `paraductl setup`."""
