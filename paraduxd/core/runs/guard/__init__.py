"""What the guard holds, and why."""
