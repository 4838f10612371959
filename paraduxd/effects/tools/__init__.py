"""One module for each external program or kind of server."""
