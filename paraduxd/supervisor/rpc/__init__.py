"""The socket that everybody may talk to."""
