"""Servers on loopback that never come to an end, or tell of more than there is."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import paramiko

NAME = "x" * 4000
HUGE = 1 << 60
_BLOCK = b"\0" * (1 << 20)


class _Ftp(socketserver.StreamRequestHandler):
    """An FTP server whose welcome, list or files have no end."""

    server: _FtpServer

    def handle(self) -> None:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 0)) as data:
            self._talk(data)

    def _talk(self, data: socket.socket) -> None:
        port = data.getsockname()[1]
        self._say("220 hello")
        while words := self.rfile.readline().decode().split():
            answers = {
                "USER": "230 in",
                "PWD": '257 "/"',
                "PASV": f"227 ok (127,0,0,1,{port >> 8},{port & 255})",
                "SIZE": self.server.size,
            }
            if words[0] == "CWD" and self.server.chatty:
                self._forever(self.wfile.write, b"250-more\r\n" * 10_000)
            if words[0] in {"MLSD", "NLST", "RETR"}:
                self._say("150 here it comes")
                connection = data.accept()[0]
                endless = _BLOCK if words[0] == "RETR" else self.server.line * 100
                self._forever(connection.sendall, endless[:1] if self.server.pause else endless, self.server.pause)
            self._say(answers.get(words[0], "250 ok"))

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())

    @staticmethod
    def _forever(send: Any, data: bytes, pause: float = 0.0) -> None:
        for piece in forever(data, pause):
            send(piece)


class _FtpServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    line = b""
    size = f"213 {HUGE}"
    chatty = False
    pause = 0.0


@contextlib.contextmanager
def ftp(
    *, line: bytes = b"type=file;size=1; name\r\n", size: str = f"213 {HUGE}", chatty: bool = False, pause: float = 0.0
) -> Iterator[int]:
    """The port of an FTP server with an endless list of such lines, and endless files; `chatty`: with an endless answer, too."""
    with _FtpServer(("127.0.0.1", 0), _Ftp) as server:
        server.line, server.size, server.chatty, server.pause = line, size, chatty, pause
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class _Forever(list[paramiko.SFTPAttributes]):
    """A list of files without an end."""

    def __getitem__(self, part: Any) -> Any:
        return self if part.stop is None else [_attributes(NAME) for _ in range(part.stop)]


class _Handle(paramiko.SFTPHandle):
    def read(self, offset: int, length: int) -> bytes:
        return b"\0" * length

    def stat(self) -> paramiko.SFTPAttributes:
        return _attributes(NAME)


class _Files(paramiko.SFTPServerInterface):
    def list_folder(self, path: str) -> Any:
        return _Forever()

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle:
        return _Handle(flags)

    def stat(self, path: str) -> paramiko.SFTPAttributes:
        return _attributes(NAME)


class _Anybody(paramiko.ServerInterface):
    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL  # type: ignore[no-any-return, attr-defined, unused-ignore]

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED  # type: ignore[no-any-return, attr-defined, unused-ignore]

    def get_allowed_auths(self, username: str) -> str:
        return "password"


def _attributes(name: str) -> paramiko.SFTPAttributes:
    found = paramiko.SFTPAttributes()
    found.filename, found.st_size, found.st_mode = name, HUGE, 0o100644
    return found


@contextlib.contextmanager
def sftp() -> Iterator[tuple[int, str]]:
    """Port and host key of an SFTP server with an endless list, and endless files that tell of a huge size."""
    with _ssh(_Anybody) as found:
        yield found


@contextlib.contextmanager
def _ssh(interface: Callable[[], paramiko.ServerInterface]) -> Iterator[tuple[int, str]]:
    key = paramiko.ECDSAKey.generate()
    transports = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            transport = paramiko.Transport(self.request)
            transports.append(transport)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _Files)
            with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
                transport.start_server(server=interface())
                transport.join()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], f"{key.get_name()} {key.get_base64()}"
        for transport in transports:
            transport.close()
        server.shutdown()


Answer = Callable[[str, str], tuple[int, dict[str, str], Iterable[bytes]]]
"""Method and path to status, headers and body."""


@contextlib.contextmanager
def http(answer: Answer) -> Iterator[int]:
    """The port of an HTTP server that answers as it is told to, without a length, until the body ends, if it does."""

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.close_connection = True
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                return
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, headers, body = answer(self.command, self.path)
            with contextlib.suppress(OSError):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Connection", "close")
                self.end_headers()
                for piece in body if self.command != "HEAD" else ():
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def forever(piece: bytes = _BLOCK, pause: float = 0.0) -> Iterator[bytes]:
    """A body without an end; `pause`: seconds between two pieces."""
    ended = threading.Event()
    while True:
        yield piece
        ended.wait(pause)


@contextlib.contextmanager
def talking(first: bytes, then: bytes, pause: float = 0.0) -> Iterator[int]:
    """The port of a server that says something to whoever connects, and then goes on without an end."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.request.sendall(first)
                for piece in forever(then, pause):
                    self.request.sendall(piece)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        server.block_on_close = False
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class _Shell(_Anybody):
    """Whatever is to be run, it says the same without an end."""

    def __init__(self, words: bytes, errors: bool) -> None:
        self._words = words
        self._errors = errors

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._say, args=(channel,), daemon=True).start()
        return True

    def _say(self, channel: paramiko.Channel) -> None:
        send = channel.sendall_stderr if self._errors else channel.sendall
        with contextlib.suppress(OSError, EOFError):
            for piece in forever(self._words):
                send(piece)


@contextlib.contextmanager
def shell(words: bytes, *, errors: bool = False) -> Iterator[tuple[int, str]]:
    """Port and host key of an SSH server that answers every command with these words, over and over."""
    with _ssh(lambda: _Shell(words, errors)) as found:
        yield found
