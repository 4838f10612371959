"""ssh with what exists in memory only: keys, host keys, and passwords by way of the askpass helper."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.core.config.protocol_settings import SshAddress, SshCredentials
from paraduxd.effects.process import run
from paraduxd.effects.tools import ssh, ssh_failures
from tests.integration.sshd import Server
from tests.servers.ports import free_port

PASSWORD = "p w\"'$(touch x)`\\ü%n "


class PasswordServer(paramiko.ServerInterface):
    """Lets one user in with one password, and answers every command with "welcome"."""

    def check_auth_password(self, username: str, password: str) -> int:
        welcome = (username, password) == ("fred", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if welcome else paramiko.AUTH_FAILED

    def get_allowed_auths(self, username: str) -> str:
        return "password"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=_answer, args=(channel,), daemon=True).start()
        return True


def _answer(channel: paramiko.Channel) -> None:
    channel.sendall(b"welcome")
    channel.send_exit_status(0)
    channel.close()


@pytest.fixture
def password_server() -> Iterator[tuple[int, tuple[str, ...]]]:
    """A server that asks for a password: its port and host keys."""
    key = paramiko.ECDSAKey.generate()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
            while True:
                transport = paramiko.Transport(listener.accept()[0])
                transport.add_server_key(key)
                transport.start_server(server=PasswordServer())

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()[1], (f"{key.get_name()} {key.get_base64()}",)
    listener.close()


def log_in(port: int, host_keys: tuple[str, ...], password: str) -> run.Outcome:
    address = SshAddress(host="127.0.0.1", port=port, user="fred")
    with ssh.access(address, SshCredentials(password=password), host_keys) as access:
        assert password not in repr(access)
        return run.run([*access.command, access.host, "anything"], extra_env=access.env)


def test_a_password_of_any_characters_reaches_the_prompt(password_server: tuple[int, tuple[str, ...]]) -> None:
    outcome = log_in(*password_server, PASSWORD)
    assert (outcome.code, outcome.output) == (0, b"welcome")


def test_a_wrong_password_is_a_refused_login(password_server: tuple[int, tuple[str, ...]]) -> None:
    outcome = log_in(*password_server, "wrong")
    failed = ssh_failures.failure(outcome.errors, "friend")
    assert failed is not None and failed.code == "login-refused"


def test_a_password_of_two_lines_is_refused() -> None:
    with pytest.raises(ParaduxError) as failed:
        log_in(1, ("ssh-ed25519 AAAA",), "one\ntwo")
    assert failed.value.code == "bad-credentials"
    assert "two" not in failed.value.message


def test_host_keys_are_shown_with_the_fingerprint_of_ssh_keygen(sshd: Server, tmp_path: Path) -> None:
    shown = ssh.scan_host_keys("127.0.0.1", sshd.port)
    assert shown == sshd.host_keys
    (tmp_path / "key.pub").write_text(shown[0] + "\n")
    printed = subprocess.run(["ssh-keygen", "-lf", tmp_path / "key.pub"], check=True, capture_output=True, text=True)
    assert printed.stdout.split()[1] == ssh.fingerprint(shown[0])


def test_scanning_where_nobody_listens() -> None:
    with pytest.raises(TransientError) as failed:
        ssh.scan_host_keys("127.0.0.1", free_port())
    assert failed.value.code == "unreachable"


@pytest.mark.parametrize("host", ["-oProxyCommand=x", "a b", 'a"b', "a\nb", "", "a,b", 'v1.x" y'])
def test_no_host_name_becomes_an_option_or_a_line_of_the_configuration(host: str) -> None:
    with pytest.raises(ParaduxError) as scan:
        ssh.scan_host_keys(host, 22)
    with (
        pytest.raises(ParaduxError) as access,
        ssh.access(SshAddress(host=host, user="fred"), SshCredentials(password="x"), ("ssh-ed25519 AAAA",)),
    ):
        pass
    assert scan.value.code == access.value.code == "bad-address"


def test_without_key_and_password_nothing_is_tried() -> None:
    with (
        pytest.raises(ParaduxError) as failed,
        ssh.access(SshAddress(host="h"), SshCredentials(), ("ssh-ed25519 AAAA",)),
    ):
        pass
    assert failed.value.code == "no-credentials"


@pytest.mark.parametrize(
    "line", ["", "ssh-ed25519", "ssh-ed25519 AA\nAA x", "stash,* ssh-rsa AAAA!", "@revoked * ssh-rsa"]
)
def test_a_pinned_key_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ParaduxError) as failed:
        ssh.key_line(line)
    assert failed.value.code == "bad-host-key"
