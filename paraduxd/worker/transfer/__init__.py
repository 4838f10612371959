"""Push, restore, rehearse."""
