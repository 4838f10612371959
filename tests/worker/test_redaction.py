"""A server, a tool or a plugin may repeat a login; what a worker passes on of it does not."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from paraduxd.core.runs.orders import Done, Failed, Held, Order, report_from_json
from paraduxd.protocols import registry
from paraduxd.worker import main, redaction
from tests.hunt import drop_in

ODD = "pass\"word\\with' %é"

TRANSPORTS: dict[str, tuple[str, dict[str, Any]]] = {
    "ftp": ("ftp", {"settings": {"url": "ftp://fred@x/y", "credentials": {"password": ODD}}}),
    "rclone": ("rclone", {"settings": {"url": "rclone:x:y", "options": {"type": "webdav", "pass": ODD}}}),
    "token": ("rclone", {"settings": {"options": {"type": "drive", "token": json.dumps({"refresh_token": ODD})}}}),
    "generated": ("restic", {"settings": {"repository": "/srv/x"}, "secret": ODD}),
    "archive": ("disk", {"settings": {"url": "file:///x"}, "archive": {"public_key": "public", "signing_key": ODD}}),
    "kit access": ("sftp", {"kit_access": {"url": "sftp://x/y", "credentials": {"password": ODD}}}),
    "lines": ("sftp", {"settings": {"credentials": {"private_key": f"-----BEGIN-----\n{ODD}\n-----END-----"}}}),
    "scp": ("restic", {"settings": {"repository": f"sftp:fred:{ODD}@host:/x"}}),
    "notices": ("disk", {"address": f"mailto://fred:{quote(ODD, safe='')}@mail.example"}),
}

SAID = {
    "plain": ODD,
    "quoted": quote(ODD),
    "in an address": quote(ODD, safe=""),
    "in JSON": json.dumps(ODD)[1:-1],
    "in a header": base64.b64encode(f"x:{ODD}".encode()).decode(),
}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    redaction._known.clear()
    yield
    redaction._known.clear()


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("form", SAID)
def test_whatever_form_it_is_repeated_in(transport: str, form: str) -> None:
    protocol, content = TRANSPORTS[transport]
    if transport == "notices" and form != "in an address":
        return  # it stands like this in the address, and apprise tells nothing else
    redaction.remember(content, registry.find(protocol).settings)
    told = redaction.redacted(f"the server said: {SAID[form]} is wrong")
    assert SAID[form] not in told
    assert "word" not in told
    assert told.startswith("the server said: ")


def test_ordinary_sentences_stay() -> None:
    protocol, content = TRANSPORTS["rclone"]
    content = {"settings": {**content["settings"], "options": {"type": "webdav", "url": "https://x.example/dav"}}}
    redaction.remember(content, registry.find(protocol).settings)
    sentence = "webdav at https://x.example/dav, rclone:x:y, refused the login"
    assert redaction.redacted(sentence) == sentence


def test_reports_and_log_lines_are_redacted_and_results_are_not() -> None:
    redaction.remember({"secret": ODD})
    assert redaction.redacted_report(Failed("x", f"a {ODD}", f"b {ODD}")) == Failed("x", "a ***", "b ***")
    assert redaction.redacted_report(Held("x", f"a {ODD}")) == Held("x", "a ***")
    assert redaction.redacted_report(Done({"name": ODD})) == Done({"name": ODD})
    record = logging.LogRecord("x", logging.ERROR, "x", 1, "it said %s", (ODD,), None)
    assert redaction.Formatter().format(record) == "it said ***"


@pytest.mark.parametrize("how", ["refuses", "breaks"])
def test_a_careless_plugin_gives_nothing_away(
    tmp_path: Path,
    how: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(main, "shut_in", lambda order: order)  # the test itself is not to be confined
    monkeypatch.setattr(registry, "find", lambda _name: drop_in.PROTOCOL)
    (tmp_path / f"folder.{how}").touch()
    settings = {"folder": str(tmp_path / "folder"), "credentials": {"api_token": "canary-4711-token"}}
    (tmp_path / "transport").write_text(json.dumps({"protocol": "careless", "settings": settings}))
    report = main.Reporter()
    order = Order(1, "fetch", "", "web", str(tmp_path / "transport"), arguments={"epochs": [1]})
    report(main._carry_out(order, report, lambda: None))
    told = capsys.readouterr().out
    failed = report_from_json(told.splitlines()[-1])
    assert isinstance(failed, Failed)
    assert failed.code == ("login-refused" if how == "refuses" else "internal")
    assert how == "breaks" or failed.message == "the service said: bad token ***"
    assert "canary" not in told + caplog.text
