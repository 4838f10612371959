"""Starting, hardening and ending processes."""
