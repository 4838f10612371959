"""`rclone`: a directory of any remote that rclone knows (Google Drive, Dropbox, WebDAV ...), as a blob store and as a source.

`options` are those of the remote in rclone's own configuration (`rclone config dump` prints them), with passwords in clear. Paradux
keeps no configuration of rclone on the disk and writes none: where an account uses tokens, rclone gets a new access token by the
refresh token of the config whenever it needs one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator

from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.setup_forms import Question
from paraduxd.core.config.protocol_settings import ProtocolSettings, Secret, SshAddress, Text
from paraduxd.core.config.setup_declaration import Settings as SetupAnswers
from paraduxd.core.config.setup_declaration import Setup, begins_with
from paraduxd.core.primitives.hosts import host_of, is_loopback
from paraduxd.effects.tools import rclone, ssh, tls_pins
from paraduxd.protocols.base import Context, Protocol, PullRequest, PullResult, Source
from paraduxd.protocols.by_hand import clouds as by_hand
from paraduxd.protocols.pulling import rclone_pull
from paraduxd.protocols.rclone.blobs import RemoteBlobs

_URL = re.compile(r"rclone:(?P<name>[A-Za-z0-9_][A-Za-z0-9_.+@-]*):(?P<path>[^?#]*)")
_OPTION = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

_SFTP_DEFAULTS = {"shell_type": "none", "disable_hashcheck": "true"}
"""Nothing but file transfer is asked of an SSH server: with a shell, rclone starts a program there for each file."""

_PLACES = frozenset(
    {"type", "url", "host", "port", "user", "endpoint", "remote", "root_folder_id", "team_drive", "drive_id", "account"}
)
"""Options that say where a remote is; all others say how to get in, or how to behave."""

_REFUSED = {
    "ssh": "starts a program on this machine",
    "bearer_token_command": "starts a program on this machine",
    "no_check_certificate": "would trust any server",
    "known_hosts_file": "is not needed: host keys are pinned in managed.hosts",
    "env_auth": "takes credentials from the machine, where a recovery has none",
}


_TRUE = frozenset({"1", "t", "true"})

_WITHIN = re.compile(
    r"(?:^|[\s=\"']):[A-Za-z0-9 _.+-]+,.*?(?<![A-Za-z0-9_])"
    rf"(?P<name>{'|'.join(_REFUSED).replace('_', '[_-]')})(?![A-Za-z0-9_])",
    re.DOTALL | re.IGNORECASE,
)
"""A remote that is written within an option (`:sftp,ssh="...":`, rclone's connection strings) and sets what is refused."""


def _plain_hosts(options: Mapping[str, str]) -> Iterator[str]:
    """The hosts of the addresses among these options that begin with http."""
    for value in options.values():
        try:
            parts = urlsplit(value)
        except ValueError:
            continue
        if parts.scheme == "http" and parts.hostname:
            yield parts.hostname


def parse_rclone_url(url: str) -> tuple[str, str]:
    """Name and path of `rclone:NAME:path`, the path percent-decoded; raises `ValueError` with what was expected."""
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError("expected rclone:NAME:path, with ? as %3F and # as %23")
    path = unquote(match["path"], errors="surrogateescape")
    if _CONTROL.search(path):
        raise ValueError("the path must not contain control characters")
    if {".", ".."} & set(path.split("/")):
        raise ValueError("the path must not contain . or .. as a part")
    return match["name"], path


def _rclone_url(url: str) -> str:
    parse_rclone_url(url)
    return url


def _option_name(name: str) -> str:
    if not _OPTION.fullmatch(name):
        raise ValueError("expected the name of an option of rclone: lower-case letters, digits and _")
    if why := _REFUSED.get(name):
        raise ValueError(f"the option {name} cannot be used here: it {why}")
    return name


def _option_value(value: str) -> str:
    if _CONTROL.search(value) or "%(" in value:
        raise ValueError("must not contain control characters or %(, which rclone's configuration cannot hold")
    if within := _WITHIN.search(value):
        name = within["name"].lower().replace("-", "_")
        raise ValueError(f"must not hold a remote with the option {name}: it {_REFUSED[name]}")
    return value


Options = dict[Annotated[str, AfterValidator(_option_name)], Annotated[Secret, AfterValidator(_option_value)]]


class RcloneSettings(ProtocolSettings):
    """A directory of an rclone remote."""

    url: Annotated[Text, AfterValidator(_rclone_url)] = Field(
        description="The directory, as rclone:NAME:path (percent-encoded); NAME is how you call the remote",
        examples=["rclone:drive:Backups/paradux"],
    )
    options: Options = Field(
        default_factory=dict,
        description="The remote's options as `rclone config dump` prints them, `type` first of all, but passwords in clear",
        examples=[{"type": "drive", "scope": "drive.file", "token": '{"access_token":"...","refresh_token":"..."}'}],
    )
    credentials: Options = Field(
        default_factory=dict,
        description="More options of the same kind; those of `kit_access` take the place of all `options`",
        examples=[{"pass": "correct horse"}],
    )
    exclude: tuple[Text, ...] = Field(
        default=(),
        description="Patterns of what a source leaves out, as in rclone's filters; a leading / stands for the source's root",
        examples=[["*.tmp", "/Trash/**"]],
    )

    @model_validator(mode="after")
    def _has_a_type(self) -> RcloneSettings:
        kind = self.all_options().get("type")
        if not kind:
            raise ValueError('options must have a "type", like "drive" or "webdav": see `rclone help backends`')
        if kind == "local":
            raise ValueError('a directory of this machine has a protocol of its own: "disk"')
        if kind == "sftp" and self._ssh_server() is None:
            raise ValueError("options of the type sftp must have a host, and a port from 1 to 65535 if any")
        return self

    def all_options(self) -> dict[str, str]:
        """Options and credentials together."""
        return {**self.options, **self.credentials}

    def place(self) -> str:
        """The host, or what kind of account it is."""
        options = self.all_options()
        return options.get("host", "").rpartition("@")[2] or urlsplit(self._address()).hostname or options["type"]

    def ssh_hosts(self) -> tuple[tuple[str, int], ...]:
        """The server of an SFTP remote."""
        server = self._ssh_server()
        return (server,) if server else ()

    def tls_hosts(self) -> tuple[tuple[str, int, str], ...]:
        """The server of an address with https."""
        parts = urlsplit(self._address())
        try:
            port = parts.port or 443
        except ValueError:
            return ()
        return ((parts.hostname, port, "tls"),) if parts.scheme == "https" and parts.hostname else ()

    def in_clear(self) -> tuple[str, str] | None:
        """The server of any address with http, or of FTP without TLS."""
        found = [(key, host) for key in ("options", "credentials") for host in _plain_hosts(getattr(self, key))]
        if self.all_options().get("type") == "ftp" and not any(map(self._is_on, ("tls", "explicit_tls"))):
            found.append(("options", self.all_options().get("host", "")))
        return next((each for each in found if not is_loopback(host_of(each[1]))), None)

    def _is_on(self, name: str) -> bool:
        return self.all_options().get(name, "").lower() in _TRUE

    def whereabouts(self) -> str:
        """Where it is: the path, and those options that say where; an account that has other tokens is still the same."""
        options = self.all_options()
        where = {name: options[name].rstrip("/") for name in sorted(_PLACES & set(options))}
        return f"{parse_rclone_url(self.url)[1].rstrip('/')} {where}"

    def _address(self) -> str:
        options = self.all_options()
        return options.get("url") or options.get("endpoint") or ""

    def _ssh_server(self) -> tuple[str, int] | None:
        options = self.all_options()
        host, port = options.get("host", ""), options.get("port") or "22"
        if options["type"] != "sftp" or not re.fullmatch(r"[A-Za-z0-9:]([A-Za-z0-9._:-]*[A-Za-z0-9:])?", host):
            return None
        return (host, int(port)) if re.fullmatch("[1-9][0-9]{0,4}", port) and int(port) < 65536 else None


def remote(settings: RcloneSettings, context: Context) -> rclone.Remote:
    """The directory as rclone reaches it; raises `ParaduxError` "unknown-host-key" when none is pinned."""
    name, path = parse_rclone_url(settings.url)
    options = rclone.obscured(settings.all_options())
    files = {}
    for host, port in settings.ssh_hosts():
        options = {**_SFTP_DEFAULTS, **options}
        files["known_hosts_file"] = _known_hosts(host, port, context)
    authorities = [
        tls_pins.ca_file(pins)
        for host, port, _ in settings.tls_hosts()
        if (pins := context.host_keys.get(f"{host}:{port}"))
    ]
    return rclone.Remote(options, path, f"{name} ({settings.place()})", files, "".join(authorities))


def _known_hosts(host: str, port: int, context: Context) -> str:
    """Lines of known_hosts; the form is that of sshd(8)."""
    keys = ssh.pinned(SshAddress(host=host, port=port), context.host_keys.get(f"{host}:{port}", ()))
    name = host if port == 22 else f"[{host}]:{port}"
    return "".join(f"{name} {ssh.key_line(key)}\n" for key in keys)


class RcloneSource(Source):
    """Pulls from a remote."""

    def __init__(self, settings: RcloneSettings, context: Context) -> None:
        self._settings = settings
        self._context = context

    def pull(self, staging: Path, request: PullRequest) -> PullResult:
        """See `Source.pull`. Files and directories, their content and times; nothing else is known to most remotes."""
        place = remote(self._settings, self._context)
        return rclone_pull.pull(place, staging, self._settings.exclude, request, self._context)

    def look(self) -> bool:
        """See `Source.look`."""
        place = remote(self._settings, self._context)
        if rclone.listing(place) is None:
            raise ParaduxError("source-missing", f"the folder does not exist at {place.where}", "check the address")
        return True


def _blobs(settings: RcloneSettings, context: Context) -> RemoteBlobs:
    return RemoteBlobs(lambda: remote(settings, context))


def _for_kits(own: SetupAnswers, access: SetupAnswers) -> SetupAnswers:
    """What kits read by: where the remote is as the stash has it, and a login of their own."""
    options, given = own.get("options"), access.get("credentials")
    where = {name: value for name, value in options.items() if name in _PLACES} if isinstance(options, dict) else {}
    return {**access, "credentials": {**where, **(given if isinstance(given, dict) else {})}}


PROTOCOL = Protocol(
    "rclone",
    RcloneSettings,
    source=RcloneSource,
    blobs=_blobs,
    setup=Setup(
        "anything that rclone reaches",
        Question("url", "Name of the remote and folder", "rclone:drive:Backups/paradux", required=True),
        begins_with("rclone:"),
        (
            Question("options.type", "Type of the remote", "drive", required=True),
            Question("options", "Another option of the remote, like those of rclone config", "url", pairs=True),
            Question("credentials", "Option that nobody may see, like pass or token", "pass", secret=True, pairs=True),
        ),
        fate="account",
        kit=_for_kits,
    ),
    by_hand=by_hand.REMOTE,
)
