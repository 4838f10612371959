"""What rclone says when something fails, as sentences.

Its exit codes tell little (1 for most, 5 for what may pass), so its words decide: those of the services, of HTTP, of Go's network
library. The first line of the table that fits is taken.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives import quoting

_RETRY = 5

BAD_CERTIFICATE = "certificate-unknown"
"""The code of the sentence for a certificate that is not trusted; whoever knows the pins says it better."""


_OF_ONE_FILE = frozenset({"permission-denied", "rclone-failed", "server-error"})
"""Codes of what a place may say of one file while it gives others."""


@dataclass(frozen=True)
class _Failure:
    """Words that give it away, and what is said then; `%s` is the place."""

    words: str
    code: str
    text: str
    hint: str
    passing: bool = False

    def error(self, where: str, said: str = "") -> ParaduxError:
        """`said`: the words themselves, which are repeated."""
        kind = TransientError if self.passing else ParaduxError
        return kind(self.code, self.text % where + quoting.says([said]), self.hint)


_LOST = _Failure(
    r"connection reset|broken pipe|unexpected eof|\beof\b|connection lost|use of closed|i/o timeout|deadline exceeded"
    r"|tls handshake timeout|idle connection|server closed|stream error|corrupted on transfer|sizes differ",
    "connection-lost",
    "the connection to %s was lost",
    "the next run goes on from there",
    passing=True,
)

_MEMORY = _Failure(
    r"out of memory|cannot allocate memory|errno=12",
    "too-large",
    "what %s sends needs more memory than rclone may take",
    "see who can write there; if that many files are right, allow more: set memory with paraductl edit",
)

_TABLE = (
    _MEMORY,
    _Failure(
        r"no such host|connection refused|no route to host|network is unreachable|server misbehaving"
        r"|dial tcp[^\n]*(i/o timeout|timed out)",
        "unreachable",
        "cannot reach %s: the server does not answer",
        "check the address, and that it is switched on and online",
        passing=True,
    ),
    _Failure(
        r"x509:|certificate is not trusted|certificate signed by|certificate has expired",
        BAD_CERTIFICATE,
        "%s shows a certificate that is not trusted, so nothing was sent there",
        "find out whether that is the right server; accept its certificate with paraductl edit",
    ),
    _Failure(
        r"knownhosts: key mismatch",
        "host-key-changed",
        "%s shows another host key than the one that was accepted, so nothing was sent there",
        "find out why on that machine itself; if it was reinstalled, take its line out of managed.hosts with"
        " paraductl edit and accept the new key",
    ),
    _Failure(
        r"knownhosts: key is unknown",
        "unknown-host-key",
        "the host key of %s is not known, so nothing was sent there",
        "run paraductl edit (or publish) while the host is reachable and accept its key",
    ),
    _Failure(
        r"requesttimetooskewed|request time too skewed",
        "wrong-clock",
        "%s refuses requests because the clocks of this machine and of the server differ",
        "set the clock of this machine",
    ),
    _Failure(
        r"nosuchbucket|bucket does not exist",
        "no-bucket",
        "there is no such bucket at %s",
        "make it there, or correct the address with paraductl edit",
    ),
    _Failure(
        r"no space left|insufficient storage|\b507\b|quota ?exceeded|storagequota|disk quota|insufficient_space|over quota"
        r"|quotaexceeded|quota has been exceeded|storage cap exceeded|storagefull",
        "disk-full",
        "there is no room left at %s",
        "make room there",
        passing=True,
    ),
    _Failure(
        r"invalidaccesskeyid|signaturedoesnotmatch|authorizationheadermalformed|invalidtoken|expiredtoken|unauthori[sz]ed"
        r"|\b401\b|unable to authenticate|invalid_grant|invalid_client|couldn't fetch token|invalid username|login incorrect"
        r"|\b530\b",
        "login-refused",
        "%s refused the login: it does not accept these credentials",
        "check the credentials with paraductl edit, and the account there",
    ),
    _Failure(
        r"accessdenied|access denied|permission denied|forbidden|\b403\b",
        "permission-denied",
        "%s does not allow this with these credentials",
        "check the credentials, and what they may do there",
    ),
    _Failure(
        r"(status ?code:?|http error|error|:) 5\d\d\b|\b5\d\d [a-z]|internalerror|internal server error|slowdown"
        r"|service ?unavailable|bad gateway|too many requests|statuscode: 429|ratelimit",
        "server-error",
        "%s answered with an error of its own",
        "it may pass: the next run tries again",
        passing=True,
    ),
    _Failure(
        r"serializationerror|deserialization|failed to (decode|parse|unmarshal)|xml syntax|invalid character"
        r"|malformed http|bad request|\b400\b|expected element type|method not allowed|\b405\b|didn't find section",
        "bad-answer",
        "%s answered with something that is not understood",
        "check the address: something else may be listening there, such as the log-in page of a network",
        passing=True,
    ),
    _LOST,
)


def of_one_file(complaint: str) -> bool:
    """Whether what was said about a file says nothing of the others."""
    return sentence(1, complaint.encode(errors="replace"), "", ()).code in _OF_ONE_FILE


def sentence(code: int, complaints: bytes, where: str, secrets: Sequence[str]) -> ParaduxError:
    """The failure of a run that ended with `code` after `complaints`; none of `secrets` is repeated."""
    text = complaints.decode(errors="replace")
    for failure in _TABLE:
        if match := re.search(failure.words, text, re.IGNORECASE):
            return failure.error(where, _last_line(_line_of(text, match), secrets))
    if code in {_RETRY, -13}:
        return _LOST.error(where)
    said = _last_line(text, secrets) or f"it ended with code {code}"
    return ParaduxError("rclone-failed", f"rclone could not use {where}: {said}", "check the settings of this stash")


def _line_of(text: str, match: re.Match[str]) -> str:
    """The line in which something was found."""
    start, end = text.rfind("\n", 0, match.start()) + 1, text.find("\n", match.end())
    return text[start : end if end >= 0 else len(text)]


def _last_line(text: str, secrets: Sequence[str]) -> str:
    """rclone's last words, at a length for one line, without its date and without anything that was in the options."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    said = re.sub(r"^[\d/]+ [\d:]+ ((NOTICE|ERROR|CRITICAL|INFO) ?: )?", "", lines[-1]) if lines else ""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        said = said.replace(secret, "***")
    return "".join(character if character.isprintable() else " " for character in said)[:300]
