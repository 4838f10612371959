"""Setup and edit."""
