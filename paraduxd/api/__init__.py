"""The contract between daemon and client: standard library only, no effects."""
