"""What is left after a loss, what somebody could do who has got hold of something, and what would help most."""
