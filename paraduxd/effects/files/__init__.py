"""Files that survive a power cut, and directories that nobody can exchange under us."""
