"""The servers of the hunt, all on loopback, each behind a gate, and each with logins that nothing else has."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.hunt.gates import Gate
from tests.integration import sshd
from tests.protocols.rclone.test_tokens import cloud
from tests.servers import ftp_servers, notice_servers, rclones
from tests.servers.restic_servers import certificate

Json = dict[str, object]

Secret = Callable[..., str]
"""Invents a value: name, characters between its letters, and where it belongs."""

ODD = "\"\\' %#"


@dataclass
class Servers:
    """What runs. `gates` are by name; `clear` are those that are spoken to without encryption."""

    folder: Path
    secret: Secret
    gates: dict[str, Gate] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    """Private SSH keys that the server lets in, by name."""
    logins: dict[str, tuple[str, str]] = field(default_factory=dict)
    user: str = ""
    token: str = ""
    session: str = ""
    mail: notice_servers.Mail | None = None
    hook: notice_servers.Hook | None = None

    def port(self, name: str) -> int:
        """Where the gate of a server listens."""
        return self.gates[name].port

    def start(self, stack: contextlib.ExitStack) -> None:
        """All of them, ended with the stack."""
        self._sshd(stack)
        self._rclone(stack, "sftp", "sftp-password", "dataset.docs.sftp-password.json", ODD)
        self._rclone(stack, "webdav", "webdav", "dataset.docs.webdav.json", "\"\\' #")
        self._rclone(stack, "webdav", "webdav-source", "dataset.cloud.source.json", "\"\\' #")
        self._rclone(stack, "restic", "rest", "dataset.docs.rest.json", "@:/#?", tls=True)
        self._s3(stack, "s3", "dataset.docs.s3.json")
        self._s3(stack, "restic-s3", "dataset.docs.restic-s3.json")
        self._s3(stack, "s3-session", "dataset.docs.s3-session.json")
        self.session = self.secret("s3-session session token", "/+=", "dataset.docs.s3-session.json")
        for name, secure in (("ftp", False), ("ftps", True)):
            password = self._login(name, f"dataset.docs.{name}.json", ODD)
            made = stack.enter_context(ftp_servers.pyftpdlib(self.folder / name, secure=secure, password=password))
            self._gate(stack, name, made.port)
        self._oauth(stack)
        self._notices(stack)

    def _sshd(self, stack: contextlib.ExitStack) -> None:
        folder = self.folder / "ssh"
        folder.mkdir()
        server = stack.enter_context(sshd.running(folder))
        self.user = server.user
        for name in ("sftp", "rsync", "restic-sftp", "source", "config", "reader"):
            key = folder / f"key-{name}"
            self.keys[name] = sshd.make_key(key)
            with (folder / "authorized_keys").open("a") as authorized:
                shutil.copyfileobj(key.with_suffix(".pub").open(), authorized)
            key.unlink()
            self._gate(stack, name, server.port)
        (folder / "user_key").unlink()

    def _login(self, name: str, transport: str, between: str) -> str:
        password = self.secret(f"{name} password", between, transport)
        self.logins[name] = ("fred", password)
        return password

    def _rclone(
        self, stack: contextlib.ExitStack, kind: str, name: str, transport: str, between: str, tls: bool = False
    ) -> None:
        options = ["--user=fred", f"--pass={self._login(name, transport, between)}"]
        if tls:
            cert, key, _ = certificate(self.folder / f"{name}-tls")
            options += ["--cert", str(cert), "--key", str(key)]
        served = stack.enter_context(rclones.serving(kind, self.folder / name, options))
        self._gate(stack, name, served.port)

    def _s3(self, stack: contextlib.ExitStack, name: str, transport: str) -> None:
        login = (
            self.secret(f"{name} access key id", "", transport),
            self.secret(f"{name} secret key", "/+=", transport),
        )
        self.logins[name] = login
        (self.folder / name / "bucket").mkdir(parents=True)
        options = (f"--auth-key={login[0]},{login[1]}", "--vfs-cache-mode=off")
        served = stack.enter_context(rclones.serving("s3", self.folder / name, options))
        self._gate(stack, name, served.port)

    def _oauth(self, stack: contextlib.ExitStack) -> None:
        """A service whose token server takes the refresh token for bad, and repeats it."""
        access, refresh = (
            self.secret(f"OAuth {kind} token", "", "dataset.docs.oauth.json") for kind in ("access", "refresh")
        )
        self.logins["oauth"] = ("client", self.secret("OAuth client secret", "", "dataset.docs.oauth.json"))
        self.token = json.dumps(
            {"access_token": access, "token_type": "Bearer", "refresh_token": refresh, "expiry": "2020-01-01T00:00:00Z"}
        )
        answer: Json = {"error": "invalid_grant", "error_description": f"{refresh} is not known"}
        port, _ = stack.enter_context(cloud(400, answer))
        self._gate(stack, "oauth", port)

    def _notices(self, stack: contextlib.ExitStack) -> None:
        for name in ("mail", "hook"):
            self._login(name, f"notify.{'mailto-1' if name == 'mail' else 'json-2'}.json", "")
        self.mail, port = stack.enter_context(notice_servers.mail_server(self.logins["mail"][1]))
        self._gate(stack, "mail", port)
        self.hook, port = stack.enter_context(notice_servers.web_hook())
        self._gate(stack, "hook", port)

    def _gate(self, stack: contextlib.ExitStack, name: str, target: int) -> None:
        self.gates[name] = Gate(target)
        stack.callback(self.gates[name].close)
