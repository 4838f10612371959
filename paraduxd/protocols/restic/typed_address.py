"""A restic repository in setup: addresses as a person types them, and what is asked besides."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import unquote, urlsplit

from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import parse_file_url, parse_ssh_url
from paraduxd.core.config.setup_declaration import Settings
from paraduxd.protocols.setup_questions import KEY_QUESTIONS, SSH_QUESTIONS

_AMAZON = "https://s3.amazonaws.com"

_SSH_KEY, _SSH_PASSWORD = SSH_QUESTIONS

_SERVICE = "service"

QUESTIONS = (
    replace(_SSH_KEY, only_for=("sftp:",)),
    replace(_SSH_PASSWORD, key="credentials.ssh_password", only_for=("sftp:",)),
    Question(
        _SERVICE, "Address of the service, if it is not Amazon", "https://s3.example.com", only_for=(f"s3:{_AMAZON}/",)
    ),
    *(replace(each, only_for=("s3:",)) for each in KEY_QUESTIONS),
    Question("credentials.rest_password", "Password there", secret=True, only_for=("rest:",)),
)


def as_repository(text: str) -> str | None:
    """The address as restic writes it; `None` for what restic does not reach."""
    if text.startswith("file:"):
        return parse_file_url(text)
    if text.startswith("s3://"):
        return f"s3:{_AMAZON}/{text.removeprefix('s3://')}"
    if text.startswith("sftp://"):
        return _sftp(text)
    return text if text.startswith(("/", "sftp:", "s3:", "rest:")) else None


def finished(answers: Settings) -> Settings:
    """The answers with a repository at the service that was named."""
    service = str(answers.get(_SERVICE, "")).rstrip("/")
    rest = {key: value for key, value in answers.items() if key != _SERVICE}
    if not service:
        return rest
    return {**rest, "repository": str(answers.get("repository", "")).replace(f"s3:{_AMAZON}/", f"s3:{service}/", 1)}


def _sftp(text: str) -> str:
    """With a port, restic wants the URL form, in which a second slash makes the path absolute; it decodes nothing in the other one."""
    parse_ssh_url(text, "sftp")
    server, slash, rest = text.removeprefix("sftp://").partition("/")
    path = slash + rest
    home = path.startswith(("/~/", "/./"))
    if urlsplit(text).port is None:
        return f"sftp:{server}:{unquote(path[3:] if home else path)}"
    return f"sftp://{server}{path[2:] if home else '/' + path}"
