"""Folders of SSH servers."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from paraduxd.core.config.protocol_settings import parse_ssh_url
from paraduxd.protocols.by_hand.telling import ByHand, PublishedAt, lines


def _published(place: PublishedAt) -> Iterator[str]:
    """The command that fetches every copy of this epoch, and the keys by which the server is known."""
    address = parse_ssh_url(place.url, "sftp")
    name = f"[{address.host}]" if ":" in address.host else address.host
    keys = place.host_keys.get(f"{address.host}:{address.port}", ())
    if keys:
        yield "  the server's keys: the next lines; save them as HOSTFILE, without the blanks in front"
        known = name if address.port == 22 else f"[{address.host}]:{address.port}"
        yield from lines("\n".join(f"{known} {key}" for key in keys))
    folder = re.sub(r"""([\s'"#*?\[\]\\])""", r"\\\1", address.path.rstrip("/"))  # sftp reads it as words with patterns
    remote = f"{address.user}@{name}" if address.user else name
    options = [
        *(["-i", "KEYFILE"] if "private_key" in place.credentials else []),
        *(["-o", "UserKnownHostsFile=HOSTFILE"] if keys else []),
    ]
    remote_files = shlex.quote(f"{remote}:{folder}/{place.pattern}").encode(errors="replace").decode()
    yield "  fetch them into this folder with"
    yield ""
    yield f"    {' '.join(['sftp', '-P', str(address.port), *options, remote_files])} ."


BY_HAND = ByHand(
    archives="""\
If there is no private key among the credentials, sftp asks for the password: it is in the file place/password.

  chmod 600 place/*
  sftp -P "$PORT" -i place/private_key -o UserKnownHostsFile=place/known_hosts -r "$LOGIN:$PATTERN" ARCHIVES""",
    elsewhere="""\
macOS: the same commands in Terminal. Windows: sftp is part of Windows; the same command in PowerShell, with PORT,
LOGIN and folder written out.""",
    published=_published,
)
