"""Which stick may be touched."""
