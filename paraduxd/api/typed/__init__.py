"""What a person types, and how it must look."""
