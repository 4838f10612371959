"""Why nothing could be done at an SSH server, as sentences that repeat what it said, from what ssh writes to standard error."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.primitives import quoting


def unreachable(where: str, said: Sequence[str] = ()) -> TransientError:
    """The server does not answer."""
    text = f"cannot reach {where}: the server does not answer{quoting.says(said)}"
    return TransientError("unreachable", text, "check that it is switched on and online")


def connection_lost(where: str, said: Sequence[str] = ()) -> TransientError:
    """The server went away while we talked to it."""
    text = f"the connection to {where} was lost{quoting.says(said)}"
    return TransientError("connection-lost", text, "the next run goes on from there")


def login_refused(where: str, said: Sequence[str] = ()) -> ParaduxError:
    """The server does not accept the key or password."""
    return ParaduxError(
        "login-refused",
        f"{where} refused the login: it does not accept this user with this key or password{quoting.says(said)}",
        "check the user name and the credentials with paraductl edit, and the account on the server",
    )


def more_wanted(where: str, methods: Sequence[str]) -> ParaduxError:
    """The server accepts the key (or password), and wants something besides."""
    also = " or ".join(methods) or "something else"
    missing = "credentials.password" if "publickey" not in methods else "credentials.private_key"
    return ParaduxError(
        "login-refused",
        f"{where} refused the login: it accepts what it was given, and also wants {quoting.one_line(also)}",
        f"add {missing} with paraductl edit; both may be given",
    )


def host_key_changed(where: str) -> ParaduxError:
    """The server shows a key that is not pinned: a new installation, or somebody in between."""
    return ParaduxError(
        "host-key-changed",
        f"{where} shows another host key than the one that was accepted, so nothing was sent there",
        "find out why on that machine itself; if it was reinstalled, take its line out of managed.hosts with"
        " paraductl edit and accept the new key",
    )


def nothing_in_common(where: str, said: Sequence[str]) -> ParaduxError:
    """The server speaks only what ssh here no longer speaks."""
    return ParaduxError(
        "no-common-algorithm",
        f"{where} offers no way of encrypting or of proving its key that this machine accepts{quoting.says(said)}",
        "update the SSH server there, or allow newer algorithms in its sshd_config",
    )


def session_refused(where: str, said: Sequence[str] = (), wanted: str = "a session") -> ParaduxError:
    """The login succeeded, and the server does not let this user do what is needed."""
    return ParaduxError(
        "session-refused",
        f"{where} accepts the login and refuses {wanted}{quoting.says(said)}",
        "see what this user and key may do there: authorized_keys, and Match, ForceCommand, ChrootDirectory,"
        " Subsystem and MaxSessions of its sshd_config",
    )


def unclean(where: str, said: Sequence[str] = ()) -> ParaduxError:
    """Something else talks first: a greeting of the shell, or a forced command."""
    return ParaduxError(
        "bad-answer",
        f"{where} answers with text where data should come{quoting.says(said)}",
        "have the login print nothing: see .bashrc, .profile and the forced command of the key there",
    )


def bad_private_key() -> ParaduxError:
    """The text is no private key, or has a passphrase."""
    return ParaduxError(
        "bad-credentials",
        "the private key cannot be used: it is damaged, or protected by a passphrase",
        "put an OpenSSH private key without a passphrase into credentials.private_key",
    )


def no_credentials() -> ParaduxError:
    """Neither a key nor a password is in the settings."""
    return ParaduxError(
        "no-credentials",
        "there is neither a private key nor a password to log in with",
        "add credentials.private_key or credentials.password with paraductl edit",
    )


_TABLE: tuple[tuple[str, Callable[[str, Sequence[str]], ParaduxError]], ...] = (
    (
        r"host key verification failed|host identification has changed|host key is known for",
        lambda where, _: host_key_changed(where),
    ),
    (r"unable to negotiate|no matching .* found|no hostkey alg", nothing_in_common),
    (
        r"load key.*(error in libcrypto|invalid format|incorrect passphrase|bad permissions)",
        lambda *_: bad_private_key(),
    ),
    (r"permission denied \([a-z0-9,-]+\)|too many authentication failures", login_refused),
    (
        r"could not resolve hostname|connection refused|no route to host|network is unreachable|connect to host"
        r"|during banner exchange|kex_exchange_identification",
        unreachable,
    ),
    (r"session open refused|administratively prohibited|channel open failed|request failed on channel", session_refused),
    (r"timeout, server|broken pipe|connection reset|connection closed|connection to |disconnected", connection_lost),
)  # fmt: skip
"""What ssh says, and the error; the first that fits. Compiled when it is needed."""

_NOT_ABOUT_IT = re.compile(
    r"@{10,}|rsync(: connection unexpectedly closed| error: | warning: |: safe_read failed)"
    r"|protocol version mismatch|\(see the rsync man|\[(sender|receiver|generator)\] "
)
_ASIDE = re.compile(r"^(\*\* |warning: permanently added)", re.IGNORECASE)
"""A warning that newer versions of ssh begin with ("** WARNING: connection is not using a post-quantum key exchange")."""

_OURS = re.compile(r"^([^@\s]+@)?\S+: (?=permission denied \()", re.IGNORECASE)
_LAST = 3


def said(errors: bytes) -> tuple[str, ...]:
    """The last lines of standard error that are words of the server or of ssh, not of rsync about them."""
    lines = (line.strip() for line in re.split(r"[\r\n]+", errors.decode(errors="replace")))
    told = (line for line in lines if line and not _NOT_ABOUT_IT.match(line) and not _ASIDE.match(line))
    return tuple(_OURS.sub("", line) for line in told)[-_LAST:]


def failure(errors: bytes, where: str) -> ParaduxError | None:
    """What ssh's standard error says went wrong with `where` ("host:port"); None when it says nothing of the kind."""
    text = errors.decode(errors="replace")
    make = next((make for pattern, make in _TABLE if re.search(pattern, text, re.IGNORECASE)), None)
    return make(where, said(errors)) if make else None


BUSY = re.compile(rb"Another instance of rrsync is already accessing this directory")
"""What rrsync says, which serves one rsync at a time."""

_NOTHING_CAME = re.compile(rb"connection unexpectedly closed \(0 bytes received so far\)")
_HUNG_UP = re.compile(rb"closed by remote host")
_NO_RSYNC = re.compile(rb"rsync: (?:command )?not found|command not found|rsync: No such file or directory")
_UNCLEAN = re.compile(rb"is your shell clean|unexpected tag \d+|invalid message \d+:|multiplexing overflow")
_CUT_CODES = frozenset({10, 12, 30, 35, 255})


def is_unexplained(errors: bytes) -> bool:
    """Whether rsync could not begin, and nobody has said why."""
    return bool(_NOTHING_CAME.search(errors) or _UNCLEAN.search(errors)) and not said(errors)


def explained(errors: bytes, told: bytes, *, works: bool) -> bytes:
    """What rsync said, with what the server says to another session; where that one `works`, the first was cut off."""
    known = _NOTHING_CAME.sub(b"connection unexpectedly closed", errors) if works else errors
    return known + b"\n" + told


def of_rsync(code: int, errors: bytes, where: str) -> ParaduxError | None:
    """Why a server did not let rsync begin, or went away; None when it says nothing of the kind. `code` is rsync's exit code."""
    told = said(errors)
    if BUSY.search(errors):
        text = f"another rsync is at work at {where}{quoting.says(told)}"
        return TransientError("busy", text, "it will be tried again")
    if _NO_RSYNC.search(errors):
        hint = "install rsync there, or see what its key may run"
        return ParaduxError("no-rsync", f"there is no rsync at {where}{quoting.says(told)}", hint)
    if _UNCLEAN.search(errors):
        return unclean(where, told)
    problem = failure(errors, where)
    if problem and not _HUNG_UP.search(errors):
        return problem
    if _NOTHING_CAME.search(errors):
        return session_refused(where, told, "to run rsync")
    return problem or (connection_lost(where, told) if code in _CUT_CODES else None)
