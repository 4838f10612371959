"""Addresses that are spoken to without encryption although they need not be."""

from __future__ import annotations

from typing import Any

import pytest

from paraduxd.core.config.protocol_settings import ProtocolSettings
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
    return value.replace("{}", host).replace("http:", f"{scheme}:")


def test_the_warning_repeats_nothing() -> None:
    (finding,) = _clear_findings(
        (), settings("s3", url="s3://bucket", endpoint="http://host-canary", credentials=S3_KEYS)
    )
    assert finding.level == "warning" and "canary" not in repr(finding)
