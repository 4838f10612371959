"""What setup asks for more than one protocol."""

from __future__ import annotations

from paraduxd.api.replies.setup_forms import Question

SSH_QUESTIONS = (
    Question(
        "credentials.private_key",
        "File with the private key that logs in there",
        "~/.ssh/id_ed25519",
        secret=True,
        from_file=True,
    ),
    Question("credentials.password", "Password there", required=True, secret=True, unless="credentials.private_key"),
)
"""How to log in to an SSH server, for settings with `credentials: SshCredentials`."""

PASSWORD = Question("credentials.password", "Password there", secret=True)

KEY_QUESTIONS = (
    Question("credentials.access_key_id", "Name of the access key", "AKIAIOSFODNN7EXAMPLE", required=True),
    Question("credentials.secret_access_key", "The access key itself", required=True, secret=True),
)
"""How to log in to an S3 service."""
