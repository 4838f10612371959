"""The owner is told of trouble, through real servers, by a whole Paradux; and no secret goes along."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig import Installation, fill, minimal_answers, running
from tests.servers.notice_servers import mail_server, web_hook

pytestmark = pytest.mark.slow

PASSWORD = "canary-of-the-mail-account"
TOKEN = "canary-of-the-hook"


def answers(root: Path, *addresses: str) -> dict[str, Any]:
    """Two addresses that are told at once."""
    made = minimal_answers(root, notify=list(addresses))
    made["policy"] |= {"notify_after": "2s"}
    made["inventory"] = [{"name": "bank", "password": "canary-of-the-inventory"}]
    return made


def mail_address(port: int) -> str:
    return (
        f"mailto://fred:{PASSWORD}@127.0.0.1:{port}?from=p@example.org&to=fred@example.org&smtp=127.0.0.1&mode=insecure"
    )


def hook_address(port: int) -> str:
    return f"json://fred:{TOKEN}@127.0.0.1:{port}/"


def everything_kept(paradux: Installation) -> bytes:
    """Log and journal, byte for byte."""
    return b"".join(path.read_bytes() for path in (paradux.log, *paradux.state.glob("journal.sqlite*")))


def about(hook: Any, text: str) -> list[str]:
    return [message["message"] for message in hook.messages if text in message["message"]]


def test_trouble_and_its_end_are_told_once_each_over_a_restart_and_without_secrets(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    with mail_server(PASSWORD) as (mail, mail_port), web_hook() as (hook, port), running(tmp_path) as paradux:
        paradux.setup(answers(tmp_path, mail_address(mail_port), hook_address(port)))
        paradux.ctl("backup", "home")
        paradux.wait_for(lambda: hook.messages and mail.messages, "the first notices")

        (tmp_path / "source").rename(tmp_path / "away")
        paradux.ctl("backup", "home", "--pull-only", check=False)
        text = "the push of home is held"
        paradux.wait_for(lambda: about(hook, text), "the hook to be told of trouble", 60)
        paradux.wait_for(lambda: any(text in " ".join(each.split()) for each in mail.messages), "the mail", 60)

        paradux.stop()
        paradux.start()
        (tmp_path / "away").rename(tmp_path / "source")
        paradux.ctl("backup", "home")
        paradux.wait_for(lambda: about(hook, f"over: {text}"), "the hook to be told of the end", 60)
        told = [each for each in about(hook, text) if f"over: {text}" not in each]
        assert (len(told), len(about(hook, f"over: {text}"))) == (1, 1)

        said = repr((hook.messages, mail.messages)).encode() + everything_kept(paradux)
        assert b"canary-" not in said
        assert PASSWORD.encode() not in paradux.state.joinpath("plan.json").read_bytes()
        kept = paradux.state / "transport/notify.mailto-1.json"
        assert PASSWORD in kept.read_text() and kept.stat().st_mode & 0o777 == 0o600


def test_a_test_goes_through_every_address_and_says_what_happened(tmp_path: Path) -> None:
    fill(tmp_path / "source")
    with mail_server(PASSWORD) as (mail, mail_port), web_hook() as (hook, port), running(tmp_path) as paradux:
        made = answers(tmp_path, mail_address(mail_port), hook_address(port), hook_address(1))
        made["policy"] |= {"notify_after": "1h"}
        paradux.setup(made)
        done = paradux.ctl("notify", "--test", check=False)
        assert done.returncode == 1
        assert "mailto-1: the notice was taken" in done.stdout and "json-2: the notice was taken" in done.stdout
        assert "cannot send a notice to json-3" in done.stderr
        assert [message["title"] for message in hook.messages] == ["Paradux: a test"]
        (received,) = mail.messages
        assert "Subject: Paradux: a test" in received
        assert b"canary-" not in repr((hook.messages, received, done)).encode() + everything_kept(paradux)


@pytest.mark.parametrize("kind", ["refusing", "wrong password"])
def test_an_address_that_does_not_work_is_shown_and_the_others_are_told(tmp_path: Path, kind: str) -> None:
    fill(tmp_path / "source")
    with mail_server("another") as (_, mail_port), web_hook() as (bad, bad_port), web_hook() as (hook, port):
        bad.status = 500
        address = {
            "refusing": hook_address(bad_port),
            "wrong password": mail_address(mail_port),
        }[kind]
        with running(tmp_path) as paradux:
            paradux.setup(answers(tmp_path, address, hook_address(port)))
            paradux.wait_for(lambda: "notify-failed" in paradux.problem_codes(), "status to tell", 60)
            (problem,) = [each for each in paradux.status()["problems"] if each["code"] == "notify-failed"]
            name = f"{address.partition(':')[0]}-1"
            assert problem["subject"] == name and name in problem["text"]
            paradux.wait_for(lambda: about(hook, name), "the other one to be told", 60)
            assert b"canary-" not in everything_kept(paradux)
            assert b"canary-" not in repr((paradux.status(), paradux.ctl("--json", "history").stdout)).encode()
            if kind == "refusing":
                assert bad.asked == 1, "it is tried again later, not all the time"


def test_an_address_that_nothing_can_be_sent_to_is_not_saved(tmp_path: Path) -> None:
    """Without a network: nobody listens at any of these."""
    with running(tmp_path) as paradux:
        refused = paradux.setup(answers(tmp_path, f"mailtoo://fred:{TOKEN}@127.0.0.1/", f"jsn://{TOKEN}"), check=False)
        assert refused.returncode == 5
        assert "mailtoo://" in refused.stderr and "mailto" in refused.stderr.partition("did you mean")[2]
        paradux.setup(answers(tmp_path, hook_address(1)))
        config = paradux.config()
        config["notify"].append(f"tgram://{TOKEN}")
        refused = paradux.edit(config, check=False)
        assert refused.returncode == 5
        assert "notify[1]: nothing can be sent to this address" in refused.stderr
        assert "tgram://{bot_token}" in refused.stderr, "how such addresses look"
        assert TOKEN not in refused.stderr + refused.stdout
        assert b"canary-" not in everything_kept(paradux)
