"""What an installation consists of, as it is found on this machine."""
