"""What works on any blob store."""
