"""Engine: encrypted archives."""
