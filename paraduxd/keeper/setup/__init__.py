"""What setup asks, and trying the places that it is told."""
