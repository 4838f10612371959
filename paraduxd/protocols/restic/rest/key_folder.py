"""`keys/` of a repository on a rest-server, without restic: for the moment in which restic finds no key to open it with.

restic's document "REST Backend": GET /PATH/keys/ lists, GET and POST /PATH/keys/NAME read and write one; with the media type of version 2 a
list has names and sizes, older servers give names alone.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import BinaryIO, cast
from urllib.parse import quote

from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.effects.files import bounded
from paraduxd.effects.tools import tls_pins
from paraduxd.protocols.base import Blob, Context
from paraduxd.protocols.restic.keys.stored_keys import LONGEST
from paraduxd.protocols.restic.rest import http_failures as rest_server
from paraduxd.protocols.restic.rest.http import HttpAddress

_LIST = {"Accept": "application/vnd.x.restic.rest.v2"}
_CONNECT = 30.0
"""Seconds until a server must answer at all."""


class RestKeys:
    """The files in `keys/`, as the part of a blob store that putting one back needs."""

    def __init__(self, place: HttpAddress, password: str, context: Context) -> None:
        self._place, self._password = place, password
        self._pins = context.host_keys.get(place.server, ())

    def list(self) -> tuple[Blob, ...]:
        """All that lie there; a folder that is gone is empty."""
        status, body = self._ask("GET", "", headers=_LIST)
        if status == http.client.NOT_FOUND:
            return ()
        self._expect(status)
        try:
            listed = bounded_json.parse(body, "the list of keys")
            return tuple(Blob(_name(each), 0) for each in listed or ())
        except (ValueError, TypeError):
            raise self._unclear("its list of keys is none") from None

    def get(self, name: str) -> Iterator[bytes]:
        """The file of this name."""
        status, body = self._ask("GET", name)
        self._expect(status)
        yield body

    def put(self, name: str, data: BinaryIO) -> None:
        """Write it, and read it back."""
        content = data.read(LONGEST)
        status, _ = self._ask("POST", name, content, {"Content-Type": "application/octet-stream"})
        self._expect(status)
        if b"".join(self.get(name)) != content:
            raise self._unclear("it gives back another key file than it was sent")

    def _ask(
        self, method: str, name: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and body of one answer; raises `ParaduxError` where there is none."""
        connection = self._connection()
        try:
            connection.connect()
            with bounded.hanging_up(cast("socket.socket", connection.sock)):
                connection.request(method, self._path(name), body, {**self._login(), **(headers or {})})
                answer = connection.getresponse()
                return answer.status, answer.read(bounded.LONGEST_FILE)
        except ssl.SSLCertVerificationError as problem:
            said = getattr(problem, "verify_message", "")
            raise tls_pins.refused(self._place.server, self._pins, said) from None
        except (OSError, http.client.HTTPException) as problem:
            told = rest_server.of_server((f"{problem or 'EOF'}",), self._place.server)
            raise told or self._unclear(f"it does not answer as such a server does ({problem})") from None
        finally:
            with contextlib.suppress(OSError):
                connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        place = self._place
        if place.scheme == "http":
            return http.client.HTTPConnection(place.host, place.port, timeout=_CONNECT)
        return http.client.HTTPSConnection(
            place.host, place.port, timeout=_CONNECT, context=tls_pins.context(self._pins)
        )

    def _path(self, name: str) -> str:
        folder = f"{self._place.path}/keys" if self._place.path else "keys"
        return f"/{quote(folder, errors='surrogateescape')}/{name}"

    def _login(self) -> dict[str, str]:
        if not self._place.user:
            return {}
        pair = f"{self._place.user}:{self._password}".encode("utf-8", "surrogateescape")
        return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}

    def _expect(self, status: int) -> None:
        if status // 100 != 2:
            told = rest_server.of_server((f"unexpected HTTP response ({status}): ",), self._place.server)
            raise told or self._unclear(f"it answered with HTTP status {status}")

    def _unclear(self, why: str) -> ParaduxError:
        return ParaduxError("bad-answer", f"{self._place.server}: {why}", "see whether this is a rest-server")


def _name(listed: object) -> str:
    name = listed.get("name") if isinstance(listed, dict) else listed
    if not isinstance(name, str):
        raise TypeError
    return name
