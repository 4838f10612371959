"""What every feature of the keeper stands on: session, supervisor link, workers."""
