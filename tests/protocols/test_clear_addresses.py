"""Addresses that are spoken to without encryption although they need not be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from apprise.manager_plugins import NotificationManager
from pydantic import ValidationError

from paraduxd.core.config.models import Config
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.validation import plain_notifications
from paraduxd.core.config.validation.validate import _clear_findings
from paraduxd.protocols import registry

S3_KEYS = {"access_key_id": "id-canary", "secret_access_key": "secret-canary"}


def settings(protocol: str, **values: Any) -> ProtocolSettings:
    return registry.load()[protocol].settings.model_validate(values)


def warnings(found: ProtocolSettings) -> list[str]:
    return [".".join(map(str, finding.path)) for finding in _clear_findings(("stash",), found)]


@pytest.mark.parametrize(
    ("protocol", "values", "at"),
    [
        ("s3", {"url": "s3://bucket", "endpoint": "http://{}:9000", "credentials": S3_KEYS}, "stash.endpoint"),
        ("restic", {"repository": "rest:http://{}:8000/photos"}, "stash.repository"),
        ("restic", {"repository": "s3:http://{}:9000/bucket"}, "stash.repository"),
        ("rclone", {"url": "rclone:w:x", "options": {"type": "webdav", "url": "http://{}/dav"}}, "stash.options"),
        ("rclone", {"url": "rclone:w:x", "options": {"type": "s3", "endpoint": "http://{}"}}, "stash.options"),
        ("rclone", {"url": "rclone:w:x", "options": {"type": "swift", "auth": "http://{}/v3"}}, "stash.options"),
        (
            "rclone",
            {"url": "rclone:w:x", "options": {"type": "seafile"}, "credentials": {"url": "http://{}"}},
            "stash.credentials",
        ),
        ("s3", {"url": "s3://bucket", "endpoint": "HTTP://{}:9000", "credentials": S3_KEYS}, "stash.endpoint"),
    ],
)
def test_http_to_another_machine_is_warned_of(protocol: str, values: dict[str, Any], at: str) -> None:
    def to(host: str, scheme: str = "http") -> ProtocolSettings:
        return settings(protocol, **_filled(values, host, scheme))

    assert warnings(to("nas.example")) == [at]
    assert warnings(to("192.0.2.1")) == [at]
    assert warnings(to("nas.example", "https")) == []
    assert warnings(to("localhost")) == warnings(to("127.0.0.1")) == []


def _filled(value: Any, host: str, scheme: str) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, host, scheme) for key, inner in value.items()}
    return value.replace("{}", host).replace("http:", f"{scheme}:").replace("HTTP:", f"{scheme.upper()}:")


def test_the_warning_repeats_nothing() -> None:
    (finding,) = _clear_findings(
        (), settings("s3", url="s3://bucket", endpoint="http://host-canary", credentials=S3_KEYS)
    )
    assert finding.level == "warning" and "canary" not in repr(finding)


@pytest.mark.parametrize(
    ("more", "warned"), [({}, True), ({"tls": "false"}, True), ({"tls": "true"}, False), ({"explicit_tls": "1"}, False)]
)
def test_ftp_through_rclone_is_warned_of_without_tls(more: dict[str, str], warned: bool) -> None:
    def options(host: str) -> dict[str, str]:
        return {"type": "ftp", "host": host, "user": "fred", **more}

    assert bool(warnings(settings("rclone", url="rclone:w:x", options=options("nas.example")))) == warned
    assert warnings(settings("rclone", url="rclone:w:x", options=options("127.0.0.1"))) == []


@pytest.mark.parametrize(
    "remote",
    [
        ':sftp,host=nas,ssh="touch /tmp/canary":/photos',
        ":sftp,ssh='touch /tmp/canary',host=nas:",
        ':alias,remote=":sftp,ssh=""touch /tmp/canary"":":',
        "inner=:webdav,url='https://x',bearer_token_command='touch /tmp/canary': other=:memory:",
        ":webdav,url='https://x',no_check_certificate:",
        ":webdav,global.no_check_certificate,url='https://x':",
        ":webdav,url='https://x',bearer-token-command='touch /tmp/canary':",
        ":sftp,SSH='touch /tmp/canary':",
    ],
)
@pytest.mark.parametrize("option", ["remote", "upstreams"])
def test_a_remote_within_an_option_sets_nothing_that_is_refused(option: str, remote: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings("rclone", url="rclone:w:x", options={"type": "alias", option: remote})
    assert "must not hold a remote with the option" in str(refused.value) and "canary" not in str(refused.value)


@pytest.mark.parametrize(
    "value", [":webdav,url='https://nas.example',user=fred:x", "pass:word,ssh=x", "bucket/ssh,env_auth", ":memory:"]
)
def test_other_remotes_and_values_are_taken(value: str) -> None:
    assert settings("rclone", url="rclone:w:x", options={"type": "crypt", "remote": value})


def test_plain_beginnings_are_those_that_apprise_has_another_for() -> None:
    """A new one of apprise's shows here."""
    plugins = NotificationManager().plugins()
    both = [(_all(each.protocol), _all(each.secure_protocol)) for each in plugins]
    assert {name for plain, secure in both if secure for name in plain} | {"http"} == plain_notifications.PLAIN


def _all(names: object) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names) if isinstance(names, tuple | list | set) else ()


@pytest.mark.parametrize(
    ("address", "warned"),
    [
        ("json://fred:canary@nas.example/x", True),
        ("jsons://fred:canary@nas.example/x", False),
        ("mailto://fred:canary@mail.example", True),
        ("mailtos://fred:canary@mail.example", False),
        ("gotify://nas/canary", True),
        ("json://127.0.0.1:8000/canary", False),
        ("json://[::1]/canary", False),
        ("ntfy://canary", False),
        ("ntfy://nas.example/canary", True),
        ("tgram://canary/123", False),
        ("json://[canary", False),
    ],
)
def test_notifications_in_clear_are_warned_of(address: str, warned: bool) -> None:
    config = SimpleNamespace(notify=(address,), heartbeat=())
    found = list(plain_notifications.findings(cast(Config, config)))
    assert [each.path for each in found] == [("notify", 0)] * warned
    assert "canary" not in repr(found) and "fred" not in repr(found)
