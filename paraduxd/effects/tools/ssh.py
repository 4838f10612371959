"""OpenSSH as a transport for rsync and restic: a private configuration, keys and passwords that exist in memory only.

Configuration, private key and pinned host keys are files in memory which ssh opens as `/proc/<our pid>/fd/<n>`, because it
closes the descriptors it inherits; so this process must stay "dumpable" while it is not root. The host has the fixed alias
"stash", so that nothing of an address reaches a command line. The user's own ssh configuration and agent are not used.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from paraduxd.api.errors import ParaduxError
from paraduxd.core.config.protocol_settings import SshAddress, SshCredentials
from paraduxd.core.primitives.hosts import is_host, is_user
from paraduxd.effects.process import run
from paraduxd.effects.tools import ssh_failures

ALIAS = "stash"

_ASKPASS = Path(__file__).with_name("askpass")
_KEY_LINE = re.compile(r"(?P<kind>[a-z0-9@.-]+) (?P<blob>[A-Za-z0-9+/]+={0,2})( .*)?")

_ASKING_SECONDS = 30.0
_LONGEST_ANSWER = 64 * 1024
"""Bytes."""

_MAGIC = b"openssh-key-v1\0"
_UNPROTECTED = _MAGIC + b"\0\0\0\x04none"

_FIXED_OPTIONS = (
    "IdentitiesOnly yes",
    "IdentityAgent none",
    "CertificateFile none",
    "GlobalKnownHostsFile none",
    "StrictHostKeyChecking yes",
    "UpdateHostKeys no",
    f"HostKeyAlias {ALIAS}",
    "CheckHostIP no",
    "ConnectTimeout 15",
    "ServerAliveInterval 15",
    "ServerAliveCountMax 3",
    "ControlMaster no",
    "ControlPath none",
    "ProxyCommand none",
    "CanonicalizeHostname no",
    "PermitLocalCommand no",
    "ForwardAgent no",
    "ForwardX11 no",
    "ClearAllForwardings yes",
    "AddKeysToAgent no",
    "EscapeChar none",
    "RequestTTY no",
    "LogLevel ERROR",
)


@dataclass
class Found:
    """`restricted`: the key may start rsync only as rrsync allows it, with its arguments on the command line."""

    restricted: bool = False


@dataclass(frozen=True)
class SshAccess:
    """How to start ssh to a stash: `command` and `host` for an argument vector, `env` for the environment (no secret in it).

    `found`: what was found out about the server while this lasts.
    """

    command: tuple[str, ...]
    host: str
    env: dict[str, str]
    found: Found = field(default_factory=Found)


@contextlib.contextmanager
def access(address: SshAddress, credentials: SshCredentials, host_keys: Sequence[str]) -> Iterator[SshAccess]:
    """Files in memory with which ssh logs in to `address`; they are gone when the context ends.

    `host_keys` are the pinned keys ("ssh-ed25519 AAAA..."). Raises `ParaduxError` "unknown-host-key" when there are none, and
    "no-credentials" or "bad-credentials" for credentials that cannot work.
    """
    _check(address)
    known_hosts = "".join(f"{ALIAS} {key_line(line)}\n" for line in pinned(address, host_keys))
    with contextlib.ExitStack() as stack:

        def in_memory(text: str) -> str:
            descriptor, _ = stack.enter_context(run.sealed_file(text.encode("utf-8", "surrogateescape")))
            return run.anywhere_path(descriptor)

        env: dict[str, str] = {}
        options = [*_FIXED_OPTIONS, f"UserKnownHostsFile {in_memory(known_hosts)}"]
        if credentials.private_key is None and credentials.password is None:
            raise ssh_failures.no_credentials()
        if credentials.private_key is not None:
            options.append(f"IdentityFile {in_memory(private_key_text(credentials.private_key))}")
        if credentials.password is not None:
            env = _askpass_environment(in_memory(one_line(credentials.password) + "\n"))
        options += _login_options(credentials)
        config = in_memory(_config(address, options))
        yield SshAccess(("ssh", "-F", config), ALIAS, env)


def _config(address: SshAddress, options: Sequence[str]) -> str:
    """The text of the ssh_config; a `%` in a host name (an IPv6 zone) would be a token."""
    lines = [f"Host {ALIAS}", f'HostName "{address.host.replace("%", "%%")}"', f"Port {address.port}"]
    if address.user is not None:
        lines.append(f'User "{address.user}"')
    return "\n".join([*lines, *options]) + "\n"


def _login_options(credentials: SshCredentials) -> list[str]:
    """The ways in that there are; a server may ask for both, first the key."""
    key, password = credentials.private_key is not None, credentials.password is not None
    methods = [*(["publickey"] if key else []), *(["password", "keyboard-interactive"] if password else [])]
    return [
        *([] if key else ["IdentityFile none"]),
        f"BatchMode {'no' if password else 'yes'}",
        f"PubkeyAuthentication {'yes' if key else 'no'}",
        f"PasswordAuthentication {'yes' if password else 'no'}",
        f"KbdInteractiveAuthentication {'yes' if password else 'no'}",
        "NumberOfPasswordPrompts 1",
        f"PreferredAuthentications {','.join(methods)}",
    ]


def _askpass_environment(path: str) -> dict[str, str]:
    """The helper prints the file in memory; ssh sees its path only. DISPLAY is asked for by OpenSSH before 8.4."""
    return {"SSH_ASKPASS": str(_ASKPASS), "SSH_ASKPASS_REQUIRE": "force", "DISPLAY": ":0", "PARADUX_ASKPASS": path}


def _check(address: SshAddress) -> None:
    """Nothing but a host and a user name may enter the configuration, whoever made the address."""
    if not is_host(address.host) or not 0 < address.port < 65536:
        raise ParaduxError("bad-address", "the host name of an address has characters that no host name has")
    if address.user is not None and not is_user(address.user):
        raise ParaduxError("bad-address", "the user name of an address has characters that no user name has")


def pinned(address: SshAddress, host_keys: Sequence[str]) -> Sequence[str]:
    """The pinned keys; raises `ParaduxError` "unknown-host-key" when there are none."""
    if not host_keys:
        raise ParaduxError(
            "unknown-host-key",
            f"the host key of {address.host}:{address.port} is not known, so nothing was sent there",
            "run paraductl edit (or publish) while the host is reachable and accept its key",
        )
    return host_keys


def key_line(line: str) -> str:
    """A host key as "type base64", checked; raises `ParaduxError` "bad-host-key"."""
    match = _KEY_LINE.fullmatch(line.strip())
    if match is None:
        raise ParaduxError("bad-host-key", "a pinned host key is not of the form 'ssh-ed25519 AAAA...'")
    return f"{match['kind']} {match['blob']}"


def private_key_text(key: str) -> str:
    """A private key as OpenSSH reads it: line feeds only, one at the end.

    Raises `ParaduxError` "bad-credentials" for one with a passphrase, which ssh itself would only call a refused login. The
    format of OpenSSH's keys is that of its file PROTOCOL.key: a magic word and then the name of the cipher.
    """
    lines = key.replace("\r\n", "\n").strip().split("\n")
    body = "".join(line for line in lines if not line.startswith("-----"))
    with contextlib.suppress(binascii.Error, ValueError):
        start = base64.b64decode(body)[: len(_UNPROTECTED)]
        if start.startswith(_MAGIC) and start != _UNPROTECTED:
            raise ssh_failures.bad_private_key()
    if "ENCRYPTED" in key:
        raise ssh_failures.bad_private_key()
    return "\n".join(lines) + "\n"


def one_line(password: str) -> str:
    """The password; raises `ParaduxError` "bad-credentials" when it could not be typed at a prompt."""
    if any(character in password for character in "\r\n\0"):
        raise ParaduxError("bad-credentials", "the password contains a line break", "correct credentials.password")
    return password


def told(access: SshAccess, *command: str) -> tuple[int | None, bytes]:
    """What ssh and the server say when a session is asked for once more, to find out why there was none; its exit code (`None`: none).

    Otherwise ssh says nothing but errors, because what it passes on (greetings, notices) is not told from complaints.
    """
    argv = [*access.command, "-o", "LogLevel=INFO", access.host, *command]
    try:
        outcome = run.run(argv, extra_env=access.env, timeout=_ASKING_SECONDS, most=_LONGEST_ANSWER)
    except ParaduxError:  # it never ends, or never ends talking
        return None, b""
    return outcome.code, outcome.errors + b"\n" + outcome.output


def scan_host_keys(host: str, port: int, timeout: float = 10) -> tuple[str, ...]:
    """The host keys that a server shows now, as lines "ssh-ed25519 AAAA...", sorted. `timeout` is in seconds.

    Raises `TransientError` "unreachable". Nothing proves that these are the right keys: the owner compares fingerprints.
    """
    _check(SshAddress(host=host, port=port))
    command = ["ssh-keyscan", "-T", str(max(1, round(timeout))), "-p", str(port), "--", host]
    outcome = run.run(command, timeout=timeout * 4)
    lines = [line.split() for line in outcome.output.decode(errors="replace").splitlines() if not line.startswith("#")]
    keys = sorted({f"{fields[1]} {fields[2]}" for fields in lines if len(fields) >= 3})
    if not keys:
        raise ssh_failures.unreachable(f"{host}:{port}")
    return tuple(keys)


def fingerprint(line: str) -> str:
    """ "SHA256:..." of a key line, as `ssh-keygen -l` prints it; raises `ParaduxError` "bad-host-key"."""
    try:
        blob = base64.b64decode(key_line(line).split()[1], validate=True)
    except binascii.Error:
        raise ParaduxError("bad-host-key", "a host key is not valid base64") from None
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
