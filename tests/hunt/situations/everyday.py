"""Looking, opening, locking, and the passphrase."""

from __future__ import annotations

from paraductl.context import SocketDaemon
from paraduxd.api.paths import RunPlaces
from tests.hunt.expected import Rule, anything
from tests.hunt.house import House
from tests.hunt.situations import situation

ALL_IN_OUTPUT = Rule(r"output: .*--secrets.*", anything, "`show --secrets` prints them all")
MASKED = Rule(
    r"output: .* show.*",
    lambda canary, _: canary.name in ("inventory name", "inventory url", "inventory username"),
    "`show` masks secrets, and nothing else",
)
TYPED = "typed"


@situation("status")
def status(house: House) -> None:
    house.paradux.ctl("status", check=False)
    house.paradux.ctl("--json", "status", check=False)


@situation("history, stewards, versions")
def lists(house: House) -> None:
    for words in (["history"], ["history", "--failed"], ["stewards"], ["versions", "docs"]):
        house.paradux.ctl("--json", *words, check=False)


@situation("show", MASKED)
def show(house: House) -> None:
    house.paradux.owner("show")
    house.paradux.owner("--json", "show")
    house.paradux.owner("show", "datasets")
    house.paradux.owner("show", "no.such.thing", check=False)


@situation("show --secrets", ALL_IN_OUTPUT)
def show_secrets(house: House) -> None:
    house.paradux.owner("show", "--secrets")
    house.paradux.owner("--json", "show", "--secrets", "managed")


@situation("unlock and lock")
def unlock(house: House) -> None:
    house.paradux.owner("unlock", "--for", "5m")
    keeper = house.keeper()
    assert keeper
    assert house.passphrase_name in house.look_into(keeper, "keeper"), "the hunter sees what is there"
    house.locked()


@situation("lock by the timer")
def timer(house: House) -> None:
    house.paradux.owner("unlock", "--for", "1s")
    house.paradux.wait_for(lambda: house.keeper() is None, "the time to be over")


@situation("locked while a backup runs")
def lock_in_a_backup(house: House) -> None:
    house.paradux.owner("unlock", "--for", "5m")
    with house.servers.gates["sftp"].held() as waiting:
        house.paradux.ctl("backup", "docs", "--destination", "sftp", "--push-only", "--no-wait")
        assert waiting.wait(60)
        house.locked()
    house.idle()


@situation(
    "a new keeper after the lock",
    Rule(r"memory: keeper before anybody is authorized", lambda _c, _n: False, "it knows nothing"),
)
def new_keeper(house: House) -> None:
    house.paradux.owner("unlock")
    house.locked()
    with SocketDaemon(RunPlaces(house.paradux.run)).keeper() as connection:
        assert connection.call("hello")["vault"]
        keeper = house.keeper()
        assert keeper
        house.look_into(keeper, "keeper before anybody is authorized")
    house.paradux.wait_for(lambda: house.keeper() is None, "the keeper to end")


@situation("wrong passphrases")
def wrong_passphrase(house: House) -> None:
    for number, odd in enumerate(("", "\"\\' %é")):
        wrong = house.file("wrong", house.secret(f"wrong passphrase {number}", odd))
        done = house.paradux.ctl("--passphrase-file", wrong, "unlock", check=False)
        assert done.returncode == 3
        done = house.paradux.ctl("--json", "--passphrase-file", wrong, "show", check=False)
        assert done.returncode == 3
    house.paradux.wait_for(lambda: house.keeper() is None, "the keeper to end")


@situation("a passphrase where an option belongs")
def wrong_place(house: House) -> None:
    """What a person types in the wrong place is in his own arguments; nothing repeats it."""
    text = house.secret("text that is no config", "\"\\' %")
    for words in (["setup", "--answers", "-"], ["recover", "--words", "-"], ["edit", "--file", "-"], ["check", "-"]):
        assert house.paradux.owner(*words, text=f'{{"owner": "{text}\n', check=False).returncode != 0
    house.paradux.owner("recover", "--cancel", check=False)
    house.locked()


@situation("the passphrase is changed")
def passphrase(house: House) -> None:
    refused = house.file("refused", house.secret("refused new passphrase", "\n"))
    house.paradux.owner("passphrase", "--new-passphrase-file", refused, check=False)
    house.new_passphrase("passphrase of later")
    house.paradux.owner("passphrase", "--new-passphrase-file", house.file("new", house.passphrase))
    house.paradux.passphrase_file.write_text(house.passphrase + "\n")
    house.paradux.owner("unlock")
    house.locked()


@situation("a new passphrase is mistyped at the terminal")
def mistyped(house: House) -> None:
    wrong = house.secret("passphrase typed wrong at the terminal", "\"\\' %")
    once, again = (house.secret(f"new passphrase typed wrong, {which}") for which in ("once", "again"))
    short = ("New passphrase: ", "short")
    answers = [("Passphrase: ", wrong), ("Passphrase: ", house.passphrase), short, ("New passphrase: ", once)]
    house.at_terminal(["passphrase"], [*answers, (": ", again), ("New passphrase: ", "")])
    house.locked()


@situation("a second setup is refused")
def second_setup(house: House) -> None:
    new = house.file("second", house.secret("passphrase of a second setup", '"\\ '))
    assert (
        house.paradux.ctl("--passphrase-file", new, "setup", "--answers", "-", text="{}", check=False).returncode == 1
    )
