"""From the queue to the journal."""
