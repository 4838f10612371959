"""What status is asked about, gathered."""
