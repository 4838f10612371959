"""What stewards need, light enough to travel in a kit."""
