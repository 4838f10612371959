"""Whether everything could be had back today, and what would lose it."""
