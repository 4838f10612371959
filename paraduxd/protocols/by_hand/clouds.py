"""Buckets of S3 services, and everything else that rclone reaches."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from paraduxd.protocols import s3_urls
from paraduxd.protocols.by_hand.telling import ByHand, PublishedAt, lines


def _bucket(place: PublishedAt) -> Iterator[str]:
    bucket, prefix = s3_urls.parse_url(place.url)
    region, addressing = place.settings.get("region", s3_urls.REGION), place.settings.get("addressing", "path")
    options = s3_urls.options(place.settings.get("endpoint"), region, addressing, place.credentials)
    yield from _by_rclone(options, f"{bucket}/{prefix}", place.pattern)


def _remote(place: PublishedAt) -> Iterator[str]:
    folder = unquote(place.url.removeprefix("rclone:").partition(":")[2])
    note = "  put what this command prints in the place of every password there, for rclone wants them so: rclone obscure PASSWORD"
    yield from _by_rclone(place.credentials, folder, place.pattern, note)


def _by_rclone(options: Mapping[str, str], folder: str, pattern: str, note: str = "") -> Iterator[str]:
    """The configuration and the command with which rclone fetches every copy of this epoch; any client of the service will do as well."""
    yield "  the settings for rclone: the next lines; save them as RCLONEFILE, that only you can read, without the blanks in front"
    yield from lines("\n".join(["[place]", *(f"{name} = `{value}`" for name, value in options.items())]))
    if note:
        yield note
    remote = shlex.quote(f"place:{folder.rstrip('/')}/").encode(errors="replace").decode()
    yield "  fetch them into this folder with"
    yield ""
    yield f"    rclone --config RCLONEFILE copy --include {shlex.quote(f'/{pattern}')} {remote} ."


_FETCH = """\
Install rclone (apt install rclone, or the program of your system from https://rclone.org). Its settings are in
place/rclone.conf.

  rclone --config place/rclone.conf ${CERTIFICATE:+--ca-cert "$CERTIFICATE"} copy "place:$FOLDER" ARCHIVES"""

_ELSEWHERE = """\
macOS: "brew install rclone"; the same command in Terminal. Windows: rclone.exe from https://rclone.org; the same
command in PowerShell, with the folder written out; the file rclone.conf is [place] and the options and credentials
that config.json names, each as NAME = VALUE, passwords as "rclone obscure" prints them."""

S3 = ByHand(archives=_FETCH, elsewhere=_ELSEWHERE, published=_bucket)
REMOTE = ByHand(archives=_FETCH, elsewhere=_ELSEWHERE, published=_remote)
