"""The page for people: what would be left, ages, stewards, next steps."""
