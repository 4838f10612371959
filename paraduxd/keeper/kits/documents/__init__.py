"""What is in a kit."""
