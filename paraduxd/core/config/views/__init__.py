"""A config as it is shown: masked, compared, looked up, as a schema."""
