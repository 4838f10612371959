"""`paraductl edit` and `setup`: nothing is saved unseen, nothing written is lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.commands.conftest import Outcome
from tests.fakes_client import CONFIG, FakeDaemon, a_run, text_of

Run = Callable[..., Outcome]

HOST = {"friend.example:22": {"keys": ["ssh-ed25519 AAAA"], "fingerprints": ["SHA256:abc"], "error": None}}


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make $EDITOR a program that, the nth time, does the nth of these Python lines with the file's `text`."""

    def become(*lines: str) -> None:
        program = tmp_path / "editor.py"
        body = "".join(f"    lambda text: {line},\n" for line in lines)
        program.write_text(
            "import pathlib, sys\n"
            f"count = pathlib.Path({str(tmp_path / 'count')!r})\n"
            "turn = len(count.read_text()) if count.exists() else 0\n"
            "count.write_text('x' * (turn + 1))\n"
            f"steps = [\n{body}]\n"
            "file = pathlib.Path(sys.argv[1])\n"
            "file.write_text(steps[turn](file.read_text()))\n"
        )
        monkeypatch.delenv("VISUAL", raising=False)
        monkeypatch.setenv("EDITOR", f"{sys.executable} '{program}'")

    return become


RENAMED = "text.replace('Fred Myself', 'Fred Other')"
BROKEN = "text.replace('\"owner\"', '\"ownr\"')"
MENDED = "text.replace('\"ownr\"', '\"owner\"').replace('Fred Myself', 'Fred Other')"


@pytest.fixture
def edit(paraductl: Run, secret: str) -> Run:
    """`paraductl edit` by somebody who knows the passphrase."""

    def run(*words: str, **more: object) -> Outcome:
        return paraductl("edit", "--passphrase-file", secret, *words, **more)

    return run


def test_edit_saves_and_publishes(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(RENAMED)
    daemon.will_run(a_run(7, "publish", result={"serial": 43}))
    outcome = edit(answers=["y"])
    assert outcome.code == 0
    assert outcome.out.splitlines() == [
        "  name: Fred Other",
        "Saved as serial 43.",
        "friend: config published: serial 43, read back and compared",
        "1 of 1 metadata stashes have serial 43.",
        "Locked again.",
    ]
    assert daemon.document["owner"]["name"] == "Fred Other"


def test_edit_by_a_script_asks_nothing(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(RENAMED)
    document = edit("--json").document
    assert (document["serial"], document["changes"], document["runs"]) == (43, ["name: Fred Other"], [])


@pytest.mark.parametrize("reply", ["n", "a", ""])
def test_whoever_does_not_say_yes_changes_nothing(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None], reply: str
) -> None:
    editor(RENAMED)
    outcome = edit(answers=[reply])
    assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "Nothing changed.")
    assert daemon.document == CONFIG


def test_an_unchanged_text(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor("text", "text + '\\n'")
    assert (edit().code, edit("--json").document) == (0, {"unchanged": True, "serial": 42})
    assert daemon.calls("save") == []


def test_an_empty_text_aborts(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor("''")
    outcome = edit(answers=["y"])
    assert (outcome.code, outcome.err) == (1, "paraductl: cannot save: the text is empty; nothing changed\n")
    assert daemon.calls("preview") == []


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("false", "the editor ended with exit code 1"),
        ("sh -c 'kill -9 $$'", "the editor ended with signal 9"),
        ("rm", "the editor removed the file"),
        ("cp /bin/true", "the text is not UTF-8"),
        ("ln -sf /etc/passwd", "the editor removed the file"),
        ("/nowhere/editor", "/nowhere/editor is not installed"),
        ("'", "EDITOR is not a command"),
    ],
)
def test_an_editor_that_fails_changes_nothing(
    edit: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, command: str, why: str
) -> None:
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", command)
    outcome = edit(answers=["y"])
    assert outcome.code == 1
    assert outcome.err.startswith("paraductl: cannot edit: ")
    assert why in outcome.err
    assert daemon.document == CONFIG


def test_visual_comes_before_editor_and_no_shell_sees_it(
    edit: Run, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VISUAL", f"sed -i s/Myself/Other$(touch${{IFS}}{tmp_path}/x)/")
    monkeypatch.setenv("EDITOR", "false")
    assert edit().code == 1  # the slashes of the path end sed's command early
    monkeypatch.setenv("VISUAL", "sed -i 's/Myself/Oth;er/'")
    assert edit().code == 0
    assert daemon.document["owner"]["name"] == "Fred Oth;er"
    assert not (tmp_path / "x").exists()


def test_errors_are_shown_and_the_text_comes_back_to_the_editor(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None]
) -> None:
    editor(BROKEN, MENDED)
    outcome = edit(answers=["e", "y"])
    assert outcome.code == 0
    assert "paradux.json:3:5: error: ownr: unknown key (did you mean owner?)\n" in outcome.err
    assert "paraductl: cannot save the config: it has 1 error; nothing changed\n" in outcome.err
    assert daemon.document["owner"]["name"] == "Fred Other"


def test_errors_and_abort(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(BROKEN)
    assert edit(answers=["a"]).code == 0
    assert daemon.document == CONFIG


def test_errors_with_nobody_to_ask_are_exit_code_five(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None]
) -> None:
    editor(BROKEN, BROKEN)
    outcome = edit()
    assert outcome.code == 5
    assert "paradux.json:3:5: error: ownr" in outcome.err
    error = edit("--json").document["error"]
    assert (error["code"], error["details"][0]["line"]) == ("invalid-config", 3)
    assert daemon.document == CONFIG


def test_warnings_are_shown(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(RENAMED)
    daemon.problems = [
        {"level": "warning", "line": 9, "column": 1, "path": "", "message": "all in one place", "hint": ""}
    ]
    outcome = edit(answers=["y"])
    assert (outcome.code, "paradux.json:9:1: warning: all in one place\n" in outcome.err) == (0, True)


def test_edit_again_before_saving(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(RENAMED, "text.replace('Other', 'Third')")
    assert edit(answers=["e", "y"]).code == 0
    assert daemon.document["owner"]["name"] == "Fred Third"


@pytest.mark.parametrize(("reply", "trusted"), [("y", {"friend.example:22": ["ssh-ed25519 AAAA"]}), ("n", {})])
def test_new_hosts_are_trusted_by_the_owner(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None], reply: str, trusted: dict[str, list[str]]
) -> None:
    editor(RENAMED)
    daemon.hosts = HOST
    outcome = edit(answers=["y", reply])
    assert "friend.example:22 is not known yet" in outcome.err
    assert "SHA256:abc" in outcome.err
    assert daemon.calls("save")[0]["trust_hosts"] == trusted


def test_hosts_that_do_not_answer_are_not_trusted(edit: Run, daemon: FakeDaemon, editor: Callable[..., None]) -> None:
    editor(RENAMED)
    daemon.hosts = {"gone.example:22": {"keys": [], "fingerprints": [], "error": "connection refused"}}
    outcome = edit(answers=["y"])
    assert "gone.example:22 did not show its key: connection refused" in outcome.err
    assert daemon.calls("save")[0]["trust_hosts"] == {}


@pytest.fixture
def new_text(tmp_path: Path) -> Path:
    path = tmp_path / "new.json"
    path.write_text(text_of({**CONFIG, "owner": {"name": "Fred File"}}))
    return path


def test_from_a_file_without_questions(edit: Run, daemon: FakeDaemon, new_text: Path) -> None:
    daemon.hosts = HOST
    outcome = edit("--file", str(new_text), answers=[])
    assert outcome.code == 0
    assert "Trusting friend.example:22 from now on, at this first contact:\n    SHA256:abc" in outcome.err
    assert daemon.calls("save")[0]["trust_hosts"] == {"friend.example:22": ["ssh-ed25519 AAAA"]}
    assert daemon.document["owner"]["name"] == "Fred File"


def test_from_standard_input(edit: Run, daemon: FakeDaemon, new_text: Path) -> None:
    assert edit("--file", "-", stdin=new_text.read_text()).code == 0
    assert daemon.document["owner"]["name"] == "Fred File"


def test_text_and_passphrase_cannot_both_be_standard_input(paraductl: Run) -> None:
    assert paraductl("edit", "--file", "-", "--passphrase-file", "-").code == 2


def test_the_authorized_time_ends_in_the_editor_and_nothing_is_lost(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None]
) -> None:
    editor(RENAMED)
    daemon.before["preview"] = lambda: setattr(daemon.keepers[-1], "gone", True)
    outcome = edit(answers=["y"])
    assert outcome.code == 0
    assert "the authorized time is over" in outcome.err
    assert len(daemon.calls("authorize")) == 2
    assert daemon.document["owner"]["name"] == "Fred Other"


def test_a_connection_lost_after_the_save_is_no_conflict(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None]
) -> None:
    editor(RENAMED)

    def save_and_die() -> None:
        daemon.document = {**CONFIG, "owner": {"name": "Fred Other"}, "serial": 43}
        daemon.keepers[-1].gone = True

    daemon.before["save"] = save_and_die
    outcome = edit(answers=["y"])
    assert (outcome.code, "Saved as serial 43." in outcome.out) == (0, True)
    assert daemon.document["serial"] == 43


def somebody_saves(daemon: FakeDaemon) -> None:
    daemon.document = {**CONFIG, "serial": 43, "inventory": [], "managed": {"hosts": {"new": []}}}


def test_somebody_saved_meanwhile_and_the_owner_decides(
    edit: Run, daemon: FakeDaemon, editor: Callable[..., None]
) -> None:
    editor(RENAMED)
    daemon.before["save"] = lambda: somebody_saves(daemon)
    outcome = edit(answers=["y", "y"])
    assert outcome.code == 0
    assert "it has serial 43, yours was made from 42" in outcome.err
    assert (daemon.document["serial"], daemon.document["owner"]["name"]) == (44, "Fred Other")
    assert daemon.document["managed"] == {"hosts": {"new": []}}


def test_somebody_saved_meanwhile_and_nobody_decides(edit: Run, daemon: FakeDaemon, new_text: Path) -> None:
    daemon.before["save"] = lambda: somebody_saves(daemon)
    outcome = edit("--file", str(new_text))
    assert (outcome.code, daemon.document["serial"]) == (1, 43)
    assert "changed by somebody else" in outcome.err


def test_when_publishing_fails_the_exit_code_says_so(edit: Run, daemon: FakeDaemon, new_text: Path) -> None:
    broken = {"code": "network", "message": "403 forbidden", "hint": ""}
    daemon.will_run(
        a_run(7, "publish", state="failed", error=broken, result=None),
        a_run(8, "publish", location="disk", result={"serial": 43}),
    )
    outcome = edit("--file", str(new_text))
    assert outcome.code == 1
    assert "cannot publish the config to friend: 403 forbidden" in outcome.err
    assert "1 of 2 metadata stashes have serial 43." in outcome.out
    assert "the config is saved, but only 1 of 2 metadata stashes have it" in outcome.err


@pytest.fixture
def answers_file(tmp_path: Path) -> str:
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({"version": 1, "owner": {"name": "Fred"}}))
    return str(path)


@pytest.fixture
def blank(daemon: FakeDaemon) -> FakeDaemon:
    daemon.document = None
    return daemon


def test_setup_from_answers(paraductl: Run, blank: FakeDaemon, answers_file: str, secret: str) -> None:
    blank.hosts = HOST
    blank.will_run(a_run(7, "publish", result={"serial": 1}))
    outcome = paraductl("setup", "--answers", answers_file, "--passphrase-file", secret)
    assert outcome.code == 0
    assert "1 of 1 metadata stashes have serial 1." in outcome.out
    assert "SHA256:abc" in outcome.err
    assert blank.calls("setup")[0]["passphrase"] == blank.passphrase == "correct horse battery staple"


def test_setup_twice_is_refused(paraductl: Run, answers_file: str, secret: str) -> None:
    outcome = paraductl("setup", "--answers", answers_file, "--passphrase-file", secret)
    assert (outcome.code, "there is a config already" in outcome.err) == (1, True)


def test_setup_with_bad_answers(paraductl: Run, blank: FakeDaemon, tmp_path: Path, secret: str) -> None:
    (tmp_path / "x.json").write_text("{}")
    outcome = paraductl("setup", "--answers", str(tmp_path / "x.json"), "--passphrase-file", secret)
    assert outcome.code == 5
    assert f"{tmp_path / 'x.json'}:3:5: error: ownr" in outcome.err
    assert blank.calls("setup") == []


def test_setup_refuses_a_short_passphrase(paraductl: Run, blank: FakeDaemon, tmp_path: Path, answers_file: str) -> None:
    (tmp_path / "short").write_text("hunter2\n")
    outcome = paraductl("setup", "--answers", answers_file, "--passphrase-file", str(tmp_path / "short"))
    assert (outcome.code, blank.calls("setup")) == (1, [])
    assert "at least 8 characters" in outcome.err
    assert "hunter2" not in outcome.err


def test_setup_without_a_terminal_wants_answers(paraductl: Run, blank: FakeDaemon) -> None:
    assert paraductl("setup").err == ("paraductl: cannot ask questions: there is no terminal\n  use --answers FILE\n")


def test_the_dialogue_makes_a_config(
    paraductl: Run, blank: FakeDaemon, secret: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getpass", lambda _: "s3cr3t")
    owner = ["", "Fred Myself", "fred@example.org", "", ""]
    alice = ["Alice Example", "nobody", "", "call me", "+1 555 0100", "", ""]
    bob = ["Bob Example", "", "", "2 Oak Street", "", "no"]
    stewards = [*alice, *bob, "Alice Other", "", "+1 555 0101", "", "", "", "9", "2"]
    reader = "sftp://reader@friend.example/paradux"
    stashes = ["sftp://fred@friend.example/paradux", "", "", "/srv/elsewhere", reader, ""]
    stashes += ["/media/disk/paradux", "place:parents", ""]
    datasets = ["/home/fred/My Photos", "", "/media/disk/photos", "", "", ""]
    datasets += ["sftp://fred@friend.example:2222/photos", "", "", "", "place:friend", "", "", ""]
    outcome = paraductl("setup", "--passphrase-file", secret, answers=[*owner, *stewards, *stashes, *datasets, "y"])
    assert outcome.code == 0, outcome
    made = json.loads(blank.calls("setup")[0]["answers"])
    assert made["owner"]["fate"][0] == "place:house"
    assert [steward["id"] for steward in made["stewards"]] == ["alice", "bob", "alice-2"]
    today = date.today().isoformat()
    assert made["stewards"][:2] == [
        {
            "id": "alice",
            "name": "Alice Example",
            "phone": "+1 555 0100",  # what does not look right is asked again
            "accepted_on": today,
            "fate": ["place:alice", "person:alice"],
        },
        {"id": "bob", "name": "Bob Example", "address": "2 Oak Street", "fate": ["place:bob", "person:bob"]},
    ]
    assert made["policy"] == {"shares_required": 2}
    assert made["metadata_stashes"] == [
        {
            "protocol": "sftp",
            "id": "friend",
            "url": "sftp://fred@friend.example/paradux",
            "credentials": {"password": "s3cr3t"},
            "kit_access": {"url": reader, "credentials": {"password": "s3cr3t"}},
            "fate": ["place:friend"],
        },
        {"id": "paradux", "protocol": "disk", "url": "file:///media/disk/paradux", "fate": ["place:parents"]},
    ]
    (dataset,) = made["datasets"]
    assert (dataset["id"], dataset["source"]["url"]) == ("my-photos", "file:///home/fred/My%20Photos")
    assert [destination["repository"] for destination in dataset["destinations"]] == [
        "/media/disk/photos",
        "sftp://fred@friend.example:2222//photos",
    ]
