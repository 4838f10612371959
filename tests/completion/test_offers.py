"""What is offered at the cursor: by the real parsers, with names from a daemon in memory."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from paraductl.command_loader import Commands
from paraductl.completion.command_line import offer
from paraductl.completion.live_names import LiveNames
from paraductl.completion.main import main
from paraductl.completion.offer import Kind, Offer, Word, values_of
from paraductl.completion.shells import Line, answer, split_bash
from paraductl.main import command_parser
from paraduxd.api.contract import ask_supervisor
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.replies.state import DatasetState, DestinationState, SourceState, StagingState, StewardState
from tests.fakes_client import FakeDaemon

BREAKS = " \t\n\"'><=;|&(:"
COMMANDS = Commands(warn=pytest.fail, folder=argparse.Namespace(exists=lambda: False))  # type: ignore[arg-type]


def dataset(name: str, *destinations: str) -> Any:
    places = tuple(DestinationState(id=each, state="ok") for each in destinations)
    return to_json_value(DatasetState(name, "ok", None, SourceState(), StagingState("/x"), places))


@pytest.fixture
def daemon() -> FakeDaemon:
    daemon = FakeDaemon()
    daemon.status["datasets"] = [dataset("home", "friend", "bank"), dataset("photos", "cloud")]
    daemon.status["stewards"] = [to_json_value(StewardState(each)) for each in ("alice", "bob")]
    return daemon


def offered(daemon: FakeDaemon, *words: str) -> Offer:
    with daemon.supervisor() as supervisor:
        return offer(words, COMMANDS, LiveNames(lambda _: ask_supervisor(supervisor.call)).sources())


def values(found: Offer) -> list[str]:
    return [word.value for word in found.words]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ((), sorted(COMMANDS.all())),
        (("--json", "--run", "/x", ""), sorted(COMMANDS.all())),
        (("--passphrase-file=/x", ""), sorted(COMMANDS.all())),
        (("backup", ""), ["home", "photos"]),
        (("backup", "home", ""), ["photos"]),
        (("backup", "--destination", ""), ["friend", "bank", "cloud"]),
        (("backup", "photos", "--destination", ""), ["cloud"]),
        (("versions", "--destination=friend", ""), ["home", "photos"]),
        (("restore", "home#3", "--from", ""), ["friend", "bank", "staging"]),
        (("whatif", "--advice", ""), ["best", "all"]),
        (("create-steward-device", "alice", ""), ["bob"]),
        (("stewards", "--ask", ""), ["alice", "bob"]),
        (("completion", "b"), ["bash", "zsh", "fish"]),
        (("unlock", "--for", ""), []),
        (("no-such-command", ""), []),
        (("approve", "--", "-"), ["home", "photos"]),
        (("approve", "home", "more"), []),
    ],
)  # fmt: skip
def test_words(daemon: FakeDaemon, words: tuple[str, ...], wanted: list[str]) -> None:
    found = offered(daemon, *words)
    assert found.kind == Kind.WORDS
    assert values(found) == wanted


@pytest.mark.parametrize(
    ("words", "there", "gone"),
    [
        (("approve", "home", "-"), {"--no-wait", "--help", "--run"}, set()),
        (("approve", "home", ""), {"--no-wait", "--help", "--run"}, set()),
        (("approve", "--no-wait", "--json", "--"), {"--help", "--run"}, {"--no-wait", "--json"}),
        (("backup", "--pull-only", "--pu"), {"--destination"}, {"--pull-only", "--push-only"}),
        (("whatif", "--lose", "place:house", "--l"), {"--lose"}, set()),
        (("--",), {"--run", "--json", "--version"}, set()),
    ],
)
def test_options(daemon: FakeDaemon, words: tuple[str, ...], there: set[str], gone: set[str]) -> None:
    found = set(values(offered(daemon, *words)))
    assert there <= found and not gone & found


@pytest.mark.parametrize(
    ("words", "kind", "prefix"),
    [
        (("check", ""), Kind.FILES, ""),
        (("--passphrase-file", ""), Kind.FILES, ""),
        (("status", "--passphrase-file", "/tmp/x"), Kind.FILES, ""),
        (("status", "--passphrase-file=/tmp/x"), Kind.FILES, "--passphrase-file="),
        (("restore", "home", "--to", ""), Kind.DIRECTORIES, ""),
        (("restore", "--to=/t"), Kind.DIRECTORIES, "--to="),
        (("--run", ""), Kind.DIRECTORIES, ""),
        (("create-steward-device", "--device", "/dev/s"), Kind.FILES, ""),
    ],
)
def test_files_and_directories(daemon: FakeDaemon, words: tuple[str, ...], kind: Kind, prefix: str) -> None:
    assert offered(daemon, *words) == Offer(kind, (), prefix)
    assert not daemon.asked


def test_every_argument_of_every_command_is_offered_something_or_free(daemon: FakeDaemon) -> None:
    """Whatever a new command takes: nothing fails, and its options are there."""
    for name, command in COMMANDS.all().items():
        shown = [each for each in command_parser(name, command)._actions if each.help != argparse.SUPPRESS]
        for action in shown:
            for option in (each for each in action.option_strings if each.startswith("--")):
                assert option in values(offered(daemon, name, "-"))
                inside, behind = offered(daemon, name, f"{option}="), offered(daemon, name, option, "")
                assert action.nargs == 0 or (inside.kind == behind.kind and inside.words == behind.words)
        offered(daemon, name, "")


@pytest.mark.parametrize("metavar", ["DATASET", "DATASET#N", "DATASET[#N]", "RUN|DATASET", "[DATASET#M] [PATH]"])
def test_what_a_metavar_names_is_offered(daemon: FakeDaemon, metavar: str) -> None:
    action = argparse.ArgumentParser().add_argument("x", metavar=metavar)
    with daemon.supervisor() as supervisor:
        sources = LiveNames(lambda _: ask_supervisor(supervisor.call)).sources()
        assert values(values_of(action, sources, {})) == ["home", "photos"]


def test_the_daemon_is_asked_without_secrets_and_not_asked_again_when_it_fails(daemon: FakeDaemon) -> None:
    tries = []

    def connect(run: str | None) -> Any:
        tries.append(run)
        raise OSError

    names = LiveNames(connect).sources()
    assert [list(names[each]({"run": ["/r"]})) for each in ("DATASET", "ID", "STEWARD", "FATE", "SCENARIO")] == [[]] * 5
    assert tries == ["/r"]
    offered(daemon, "show", ""), offered(daemon, "restore", "")
    assert not daemon.keepers and {name for name, _ in daemon.asked} == {"status"}


@pytest.mark.parametrize(
    ("line", "words", "finished"),
    [
        ("paraductl ", ("",), 0),
        ("paraductl sta", ("sta",), 0),
        ("  paraductl  restore 'my home' ", ("restore", "my home", ""), 0),
        ("paraductl restore my\\ ho", ("restore", "my ho"), 0),
        ('paraductl restore "ho', ("restore", "ho"), 0),
        ("A=1 B= paraductl x", ("x",), 0),
        ("paraductl restore --to=/t", ("restore", "--to=/t"), 5),
        ("paraductl whatif --lose place:ho", ("whatif", "--lose", "place:ho"), 6),
        ("paraductl whatif --lose 'place:ho", ("whatif", "--lose", "place:ho"), 0),
        ("paraductl restore '' ", ("restore", "", ""), 0),
    ],
)
def test_how_bash_splits_a_line(line: str, words: tuple[str, ...], finished: int) -> None:
    assert split_bash(line, BREAKS) == Line(words, finished)


def test_bash_gets_what_follows_a_colon_only(daemon: FakeDaemon) -> None:
    found = Offer(Kind.WORDS, (Word("place:house"), Word("person:bob")))
    assert list(answer("bash", found, split_bash("paraductl whatif --lose place:h", BREAKS))) == ["words", "house"]
    assert list(answer("bash", found, split_bash("paraductl whatif --lose p", BREAKS))) == [
        "words",
        "place:house",
        "person:bob",
    ]
    assert list(answer("zsh", found, Line(("p",)))) == ["words", "place\\:house:", "person\\:bob:"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("name", ["a\nb", "$(id)", "`id`", "a b", "a;b", "\x1b[2J", "a'b", "a\tb"])
def test_a_name_that_is_no_plain_word_is_left_out(shell: str, name: str) -> None:
    assert list(answer(shell, Offer(Kind.WORDS, (Word(name), Word("ok"))), Line(("",))))[1:] == [
        {"bash": "ok", "zsh": "ok:", "fish": "ok\t"}[shell]
    ]


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash"], ["bash", BREAKS], ["zsh"], ["bash", BREAKS, "paraductl \\"]])
def test_nothing_that_a_shell_says_is_an_error(
    words: list[str], daemon: FakeDaemon, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(words, daemon) == 0
    assert capfd.readouterr().err == ""
