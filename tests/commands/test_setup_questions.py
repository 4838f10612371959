"""What setup asks for each protocol is enough for a config that is accepted; the client knows none of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from paraductl.setup.dialogue import Dialogue
from paraductl.setup.kept_answers import KeptAnswers, earlier
from paraductl.setup.prompts import BACK, BackError, Prompt
from paraductl.setup.questions import KEEP, ask_for_answers
from paraduxd.api.contract import ask_keeper
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.replies.config import Preview
from paraduxd.api.replies.setup_forms import PlaceForms, ProtocolForm, ProtocolForms, Tried
from paraduxd.core.config.capabilities import Role
from paraduxd.core.config.validation.validate import check
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.setup.forms import place_forms, protocol_forms
from paraduxd.protocols import registry
from paraduxd.protocols.base import Protocol
from tests.hunt.drop_in import PROTOCOL as CARELESS

SHIPPED = registry.load(Path("/no-such-folder"))
KNOWN = capabilities_of({**SHIPPED, CARELESS.name: CARELESS})


REFUSES = "no-login"
"""A password that no server takes."""


def keeper(name: str, **arguments: Any) -> dict[str, Any]:
    """What the daemon answers, through JSON as on the socket; it tries nothing, but refuses one password."""
    reply: Any = Preview()
    if name == "setup_protocols":
        reply = ProtocolForms(protocol_forms(KNOWN))
    elif name == "setup_places":
        reply = PlaceForms(place_forms(arguments["typed"], Role(arguments["role"]), KNOWN))
    elif name == "setup_try":
        told = arguments["access"] or arguments["answers"]
        reply = Tried(told, problem="the login was refused" if REFUSES in told else "")
    answered: dict[str, Any] = json.loads(json.dumps(to_json_value(reply)))
    return answered


class Person:
    """Somebody who answers in order, and remembers what was shown; "LEAVE" presses Ctrl-C."""

    def __init__(self, answers: Sequence[str]) -> None:
        self._answers: Iterator[str] = iter(answers)
        self.seen: list[str] = []
        self.hidden: list[str] = []

    def ask(self, prompt: Prompt) -> str:
        self.seen.append(prompt.text)
        if prompt.hidden:
            self.hidden.append(prompt.text)
        answer = next(self._answers)
        if answer == BACK:
            raise BackError
        if answer == "LEAVE":
            raise KeyboardInterrupt
        return answer

    def say(self, text: str, indent: str = "") -> None:
        self.seen.append(text)

    def wait(self, what: str) -> None:
        """Nothing takes long here."""


WHO = ["Fred", "fred@example.org", "", "", "Alice", "", "+1 555 0100", "", "", "Bob", "", "+1 555 0101", "", "", ""]
"""Owner, two stewards, no more."""

DISK = ["/media/stash", "place:friend", ""]
"""One stash, no more."""


def answered(kept: KeptAnswers, *answers: str) -> tuple[dict[str, Any], Person]:
    person = Person(answers)
    text, _ = ask_for_answers(Dialogue(person, kept), ask_keeper(keeper))
    document: dict[str, Any] = json.loads(text)
    checked = check(text, KNOWN, answers=True)
    assert checked.valid, checked.problems
    return document, person


@pytest.fixture
def kept(tmp_path: Path) -> KeptAnswers:
    return KeptAnswers(tmp_path / "state" / "answers.json")


@pytest.fixture
def key(tmp_path: Path) -> str:
    file = tmp_path / "id"
    file.write_text("a private key\n")
    return str(file)


def data(source: str, *destination: str) -> list[str]:
    """A dataset with one destination, no more of either, and nobody to be told."""
    return [source, "", *destination, "", "", ""]


def test_a_first_config(key: str, kept: KeptAnswers) -> None:
    copies = ["sftp://fred@friend.example:2222/~/photos", "1", "", "wordless", "", "place:friend"]
    document, person = answered(
        kept, *WHO, "sftp://fred@friend.example/paradux", key, "", "", "", *data("/home/fred", *copies)
    )
    (stash,) = document["metadata_stashes"]
    assert stash["credentials"] == {"private_key": "a private key\n"}
    (dataset,) = document["datasets"]
    assert dataset["source"] == {"protocol": "disk", "url": "file:///home/fred", "every": "1h"}
    (destination,) = dataset["destinations"]
    assert destination["repository"] == "sftp://fred@friend.example:2222/photos"
    assert destination["credentials"] == {"ssh_password": "wordless"}
    assert (destination["keep"], destination["every"]) == (KEEP, "1h")
    assert {"last", "hourly"} <= set(KEEP)
    assert len(person.hidden) == 1, "who gives a key is not asked for the password"


def test_a_password_is_needed_where_there_is_no_key(kept: KeptAnswers) -> None:
    stash = ["sftp://fred@friend.example/x", "", "", "p", "", "", ""]
    document, person = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["metadata_stashes"][0]["credentials"] == {"password": "p"}
    assert "this is needed" in person.seen


def test_going_back_offers_what_was_answered(kept: KeptAnswers) -> None:
    who = ["Fred", "fred@example.org", BACK, BACK, "Frida", "", *WHO[2:]]
    document, person = answered(kept, *who, *DISK, *data("/home/fred", "/srv/x", "1", "", ""))
    assert (document["owner"]["name"], document["owner"]["email"]) == ("Frida", "fred@example.org")
    assert "Your name [Fred]" in person.seen


def test_before_the_first_question_there_is_none(kept: KeptAnswers) -> None:
    document, person = answered(kept, BACK, *WHO, *DISK, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["owner"]["name"] == "Fred"
    assert "this is the first question" in person.seen


def test_nothing_is_lost_and_no_secret_is_kept(kept: KeptAnswers) -> None:
    """What was answered before an interruption is there at the next start, and the password alone is asked for again."""
    stash = ["sftp://fred@friend.example/x", "", "canary-password", "", "", ""]
    for left in range(1, len([*WHO, *stash])):
        person = Person([*[*WHO, *stash][:left], "LEAVE"])
        with pytest.raises(KeyboardInterrupt):
            ask_for_answers(Dialogue(person, KeptAnswers(kept.file)), ask_keeper(keeper))
        assert "canary" not in kept.file.read_text()
        assert kept.file.stat().st_mode & 0o777 == 0o600
    again = earlier(kept.file)
    assert again is not None
    document, person = answered(again, "canary-password", "", *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["metadata_stashes"][0]["credentials"] == {"password": "canary-password"}
    assert document["owner"]["name"] == "Fred"
    assert person.hidden == ["Password there"]
    again.remove()
    assert earlier(kept.file) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": 9, "answers": {}}', '{"format": 1, "answers": []}', "[" * 99999]
)
def test_what_cannot_be_read_was_not_kept(text: str, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    file.write_text(text)
    assert earlier(file) is None


def test_a_place_that_cannot_be_used_is_asked_for_again(kept: KeptAnswers) -> None:
    stash = ["sftp://fred@friend.example/x", "", REFUSES, "c", "", "", "better", "", "", ""]
    document, person = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["metadata_stashes"][0]["credentials"] == {"password": "better"}
    assert "the login was refused" in person.seen


def test_a_place_can_be_kept_untried(kept: KeptAnswers) -> None:
    stash = ["sftp://fred@friend.example/x", "", REFUSES, "t", "k", "", "", ""]
    document, _ = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["metadata_stashes"][0]["credentials"] == {"password": REFUSES}


S3 = ["https://s3.example.com", "", "ID", "key"]

STASHES = [
    ("disk", ["/media/stash"], {"url": "file:///media/stash"}),
    ("ftp", ["ftp://fred@friend.example/x", "p"], {"credentials": {"password": "p"}}),
    ("ftps", ["ftps://fred@friend.example/x", "p"], {"url": "ftps://fred@friend.example/x"}),
    ("s3", ["s3://bucket/x", *S3], {"credentials": {"access_key_id": "ID", "secret_access_key": "key"}}),
    ("rclone", ["rclone:drive:x", "drive", "scope=drive", "", "token", "t", ""], {"credentials": {"token": "t"}}),
    ("removable", ["removable:1234-ABCD"], {"uuid": "1234-ABCD"}),
    ("careless", ["careless:/srv/x", "token"], {"folder": "/srv/x", "credentials": {"api_token": "token"}}),
]


@pytest.mark.parametrize(("protocol", "answers", "expected"), STASHES, ids=[each[0] for each in STASHES])
def test_every_protocol_can_be_a_stash(
    protocol: str, answers: list[str], expected: dict[str, Any], kept: KeptAnswers
) -> None:
    here = protocol in ("disk", "removable", "careless")
    stash = [*answers, "place:friend", *([] if here else [""]), ""]
    document, _ = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    (stash,) = document["metadata_stashes"]
    assert stash["protocol"] == protocol
    assert {key: stash[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("answers", "protocol", "encryption", "address"),
    [
        (["/srv/x", "1"], "restic", None, "/srv/x"),
        (["/srv/x", "2"], "disk", "gpg", "file:///srv/x"),
        (["sftp://fred@friend.example/a%20b", "1", "", "p"], "restic", None, "sftp:fred@friend.example:/a b"),
        (["rest:https://fred@friend.example/x", "p"], "restic", None, "rest:https://fred@friend.example/x"),
        (["ftps://fred@friend.example/x", "p"], "ftps", "gpg", "ftps://fred@friend.example/x"),
        (["removable:1234-ABCD"], "removable", "gpg", "1234-ABCD"),
        (["careless:/srv/x", "token"], "careless", "gpg", "/srv/x"),
    ],
)
def test_the_first_way_to_use_a_place_is_the_most_private(
    answers: list[str], protocol: str, encryption: str | None, address: str, kept: KeptAnswers
) -> None:
    document, _ = answered(kept, *WHO, *DISK, *data("/home/fred", *answers, "", "place:friend"))
    (destination,) = document["datasets"][0]["destinations"]
    assert (destination["protocol"], destination.get("encryption")) == (protocol, encryption)
    assert address in destination.values()


def test_a_repository_at_another_service_than_amazon() -> None:
    setup = SHIPPED["restic"].setup
    assert setup is not None
    address = setup.reads("s3://bucket/x")
    assert setup.finish({"repository": address, "service": "https://s3.example.com/"}) == {
        "repository": "s3:https://s3.example.com/bucket/x"
    }
    assert setup.finish({"repository": address}) == {"repository": "s3:https://s3.amazonaws.com/bucket/x"}


def test_a_source_elsewhere_gets_a_staging_folder(key: str, kept: KeptAnswers) -> None:
    source = ["rsync+ssh://fred@laptop.local/home", key, "", "", "~/staging", "/srv/x", "1", "", "", "", "", ""]
    document, _ = answered(kept, *WHO, *DISK, *source)
    (dataset,) = document["datasets"]
    assert (dataset["source"]["protocol"], dataset["source"]["fate"]) == ("rsync", ["device:laptop"])
    assert dataset["staging"] == str(Path("~/staging").expanduser())


def test_what_is_no_address_is_asked_for_again(kept: KeptAnswers) -> None:
    stash = ["gopher://x/y", "sftp://friend.example", *DISK]
    document, person = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
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
    assert all(each.split(".")[0] == "credentials" for each in secret)
    assert protocol.setup.reads(protocol.setup.address.example), "what is shown as an example is taken"


def test_stewards_get_a_login_of_their_own_for_the_same_place(key: str, kept: KeptAnswers) -> None:
    stash = ["sftp://fred@friend.example/paradux", key, "", "/srv/other"]  # another protocol is asked again
    stash += ["sftp://reader@friend.example/paradux", "", "for reading", ""]
    document, person = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    (stash,) = document["metadata_stashes"]
    reader = {"url": "sftp://reader@friend.example/paradux", "credentials": {"password": "for reading"}}
    assert stash["kit_access"] == reader
    assert any("can neither write" in " ".join(text.split()) for text in person.seen)


def test_a_label_that_looks_like_another_is_doubted_once(kept: KeptAnswers) -> None:
    stash = ["/media/stash", "place:houses", "place:houses", ""]
    document, person = answered(kept, *WHO, *stash, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["metadata_stashes"][0]["fate"] == ["place:houses"]
    assert any("place:houses looks like place:house" in text for text in person.seen)


def test_contacts_are_asked_again_until_they_look_like_some(kept: KeptAnswers) -> None:
    who = ["Fred", "nobody", "fred@example.org", "", "", "Alice", "", "after six", "+1 555 0100", "", ""]
    who += ["Bob", "", "", "", "", "", ""]
    document, _ = answered(kept, *who, *DISK, *data("/home/fred", "/srv/x", "1", "", ""))
    assert document["owner"]["email"] == "fred@example.org"
    assert document["stewards"][0]["phone"] == "+1 555 0100"
