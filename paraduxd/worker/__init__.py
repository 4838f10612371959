"""The process that makes one transfer and sees the credentials of that one stash."""
