"""The keys of a repository: where they are, and what is done when they are lost."""
