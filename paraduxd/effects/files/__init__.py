"""Files that survive a power cut, and files of others."""
