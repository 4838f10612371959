"""Whose place it is: the marker that lies in it, and a store that looks at it first."""
