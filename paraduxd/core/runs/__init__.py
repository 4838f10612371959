"""What runs, when, in which order, and what it reports."""
