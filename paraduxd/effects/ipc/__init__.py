"""Unix sockets."""
