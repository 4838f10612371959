"""How values are written: times, durations, cron, JSON of dataclasses."""
