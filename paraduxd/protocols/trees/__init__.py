"""Engine: plain trees with hard links."""
