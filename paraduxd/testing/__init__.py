"""Shipped test suites: what every protocol must pass."""
