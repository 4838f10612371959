"""Sticks of stewards."""
