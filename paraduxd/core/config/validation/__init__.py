"""From text to a config, or to what is wrong with it."""
