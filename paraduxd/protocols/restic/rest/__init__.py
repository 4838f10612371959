"""Repositories on a server that speaks the REST protocol of restic, or on S3 by HTTP."""
