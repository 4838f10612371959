"""The LUKS container that holds the config."""
