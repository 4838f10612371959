"""What setup asks for each protocol is enough for a config that is accepted; the client knows none of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from paraductl.editing.setup_questions import ask_for_answers
from paraductl.terminal.terminal import Terminal
from paraduxd.api.contract import ask_keeper
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.replies.setup_forms import PlaceForms, ProtocolForm, ProtocolForms
from paraduxd.core.config.capabilities import Role
from paraduxd.core.config.validation.validate import check
from paraduxd.keeper.config.capabilities import capabilities_of
from paraduxd.keeper.config.setup_forms import place_forms, protocol_forms
from paraduxd.protocols import registry
from paraduxd.protocols.base import Protocol
from tests.hunt.drop_in import PROTOCOL as CARELESS

SHIPPED = registry.load(Path("/no-such-folder"))
KNOWN = capabilities_of({**SHIPPED, CARELESS.name: CARELESS})


def keeper(name: str, **arguments: Any) -> dict[str, Any]:
    """What the daemon answers, through JSON as on the socket."""
    if name == "setup_protocols":
        reply: Any = ProtocolForms(protocol_forms(KNOWN))
    else:
        reply = PlaceForms(place_forms(arguments["typed"], Role(arguments["role"]), KNOWN))
    answered: dict[str, Any] = json.loads(json.dumps(to_json_value(reply)))
    return answered


class Person(Terminal):
    """Somebody who answers in order, and remembers what was shown."""

    def __init__(self, answers: Sequence[str]) -> None:
        super().__init__(as_json=False)
        self._answers: Iterator[str] = iter(answers)
        self.seen: list[str] = []
        self.hidden: list[str] = []

    def ask(self, question: str) -> str:
        self.seen.append(question)
        return next(self._answers)

    def ask_secret(self, question: str) -> str:
        self.hidden.append(question)
        return self.ask(question)

    def note(self, text: str) -> None:
        self.seen.append(text)


WHO = ["Fred", "", "", "Alice", "", "", "Bob", "", "", ""]
"""Owner, two stewards, no more."""


def asked(*answers: str) -> tuple[dict[str, Any], Person]:
    person = Person([*WHO, *answers])
    text = ask_for_answers(person, ask_keeper(keeper))
    document: dict[str, Any] = json.loads(text)
    checked = check(text, KNOWN, answers=True)
    assert checked.valid, checked.problems
    return document, person


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "id"
    file.write_text("a private key\n")
    return str(file)


def test_a_first_config(key: str) -> None:
    document, person = asked(
        "sftp://fred@friend.example/paradux", key, "",  # a stash, of which kits say nothing
        "",  # no more
        "/home/fred", "sftp://fred@friend.example:2222/~/photos", "", "wordless", "",  # a dataset, one destination
        "",
    )  # fmt: skip
    (stash,) = document["metadata_stashes"]
    assert stash == {
        "id": "friend",
        "protocol": "sftp",
        "url": "sftp://fred@friend.example/paradux",
        "credentials": {"private_key": "a private key\n"},
    }
    (dataset,) = document["datasets"]
    assert dataset["source"] == {"protocol": "disk", "url": "file:///home/fred", "every": "1h"}
    (destination,) = dataset["destinations"]
    assert destination["protocol"] == "restic"
    assert destination["repository"] == "sftp://fred@friend.example:2222/photos"
    assert destination["credentials"] == {"ssh_password": "wordless"}
    assert len(person.hidden) == 1, "who gives a key is not asked for the password"


S3 = ["", "", "ID", "key"]

STASHES = [
    ("disk", ["/media/stash"], {"url": "file:///media/stash"}),
    ("ftp", ["ftp://fred@friend.example/x", "p"], {"credentials": {"password": "p"}}),
    ("ftps", ["ftps://fred@friend.example/x", "p"], {"url": "ftps://fred@friend.example/x"}),
    ("s3", ["s3://bucket/x", *S3], {"credentials": {"access_key_id": "ID", "secret_access_key": "key"}}),
    ("rclone", ["rclone:drive:x", "drive"], {"options": {"type": "drive"}}),
    ("removable", ["removable:1234-ABCD"], {"uuid": "1234-ABCD"}),
    ("careless", ["careless:/srv/x", "token"], {"folder": "/srv/x", "credentials": {"api_token": "token"}}),
]


@pytest.mark.parametrize(("protocol", "answers", "expected"), STASHES, ids=[each[0] for each in STASHES])
def test_every_protocol_can_be_a_stash(protocol: str, answers: list[str], expected: dict[str, Any]) -> None:
    here = protocol in ("disk", "removable", "careless")
    document, person = asked(*answers, *([] if here else [""]), "", "")
    assert any("No kit will name a published copy" in text for text in person.seen)
    (stash,) = document["metadata_stashes"]
    assert stash["protocol"] == protocol
    assert {key: stash[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("answers", "protocol", "encryption", "address"),
    [
        (["/srv/x"], "restic", None, "/srv/x"),
        (["sftp://fred@friend.example/a%20b", "", ""], "restic", None, "sftp:fred@friend.example:/a b"),
        (["s3://bucket/x", "ID", "key"], "restic", None, "s3:https://s3.amazonaws.com/bucket/x"),
        (["rest:https://fred@friend.example/x", "p"], "restic", None, "rest:https://fred@friend.example/x"),
        (["ftps://fred@friend.example/x", "p"], "ftps", "gpg", "ftps://fred@friend.example/x"),
        (["removable:1234-ABCD"], "removable", "gpg", "1234-ABCD"),
        (["careless:/srv/x", "token"], "careless", "gpg", "/srv/x"),
    ],
)
def test_a_destination_is_the_most_private_that_the_place_allows(
    answers: list[str], protocol: str, encryption: str | None, address: str
) -> None:
    document, _ = asked("/media/stash", "", "/home/fred", *answers, "", "")
    (destination,) = document["datasets"][0]["destinations"]
    assert (destination["protocol"], destination.get("encryption")) == (protocol, encryption)
    assert address in destination.values()


def test_a_source_elsewhere_gets_a_staging_folder(key: str) -> None:
    document, _ = asked("/media/stash", "", "rsync+ssh://fred@laptop.local/home", key, "/srv/staging", "", "")
    (dataset,) = document["datasets"]
    assert (dataset["source"]["protocol"], dataset["staging"]) == ("rsync", "/srv/staging")


def test_what_is_no_address_is_asked_for_again() -> None:
    document, person = asked("gopher://x/y", "sftp://friend.example", "/media/stash", "", "")
    assert [stash["protocol"] for stash in document["metadata_stashes"]] == ["disk"]
    told = "\n".join(person.seen)
    assert "no protocol takes this address as a metadata stash" in told
    assert "expected sftp://user@host:port/path" in told


@pytest.mark.parametrize("form", protocol_forms(KNOWN), ids=lambda form: form.protocol)
def test_what_is_shown_as_an_example_can_be_typed(form: ProtocolForm) -> None:
    for role in form.roles:
        taken = place_forms(form.example, Role(role), KNOWN)
        assert form.protocol in {each.protocol for each in taken if not each.problem}


@pytest.mark.parametrize("protocol", SHIPPED.values(), ids=SHIPPED)
def test_a_shipped_protocol_says_what_setup_asks(protocol: Protocol) -> None:
    assert protocol.setup is not None
    secret = [each.key for each in protocol.setup.questions if each.secret]
    assert all(each.startswith("credentials.") for each in secret)
    assert protocol.setup.reads(protocol.setup.address.example), "what is shown as an example is taken"


def test_stewards_get_a_login_of_their_own_for_the_same_place(key: str) -> None:
    document, person = asked(
        "sftp://fred@friend.example/paradux", key,
        "/srv/other", "sftp://reader@friend.example/paradux", "", "for reading",  # another protocol is asked again
        "", "",
    )  # fmt: skip
    (stash,) = document["metadata_stashes"]
    reader = {"url": "sftp://reader@friend.example/paradux", "credentials": {"password": "for reading"}}
    assert stash["kit_access"] == reader
    assert any("can neither write" in " ".join(text.split()) for text in person.seen)
    assert not any("No kit will name" in " ".join(text.split()) for text in person.seen)


def test_contacts_are_asked_again_until_they_look_like_some(monkeypatch: pytest.MonkeyPatch) -> None:
    who = ["Fred", "nobody", "fred@example.org", "", "Alice", "", "after six", "+1 555 0100", "Bob", "", "", ""]
    monkeypatch.setattr(sys.modules[__name__], "WHO", who)
    document, person = asked("/media/stash", "", "")
    assert document["owner"]["email"] == "fred@example.org"
    assert document["stewards"][0]["phone"] == "+1 555 0100"
    assert any("nobody finds Bob" in text for text in person.seen)
