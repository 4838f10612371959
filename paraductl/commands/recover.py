"""`paraductl recover`"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from paraductl.context import Context
from paraductl.follow import follow, report
from paraductl.terminal import ask_passphrase
from paraductl.terminal.wording import local_time
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ExitCode, ParaduxError

if TYPE_CHECKING:
    from paraductl.recovery.collect import Collection
    from paraduxd.api.replies.recovery import Collected, NewerKnown, Proven, Recovered

HELP = "open the config with enough shares, on a new machine or after a forgotten passphrase"

EXAMPLES = (
    ("On a new machine, with sticks or sheets at hand", "paraductl recover"),
    (
        "With two kits that were copied into folders, and one sheet that was typed into a file",
        "paraductl recover --kit kits/alice/PARADUX --kit kits/bob/PARADUX --words carol.txt",
    ),
    ("Begin again", "paraductl recover --cancel"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--kit", metavar="DIR", action="append", default=[], help="a kit: the folder PARADUX of a stick, or its device"
    )
    parser.add_argument(
        "--words",
        metavar="FILE",
        action="append",
        default=[],
        help="the words of a share, or its QR code (- is standard input)",
    )
    parser.add_argument(
        "--config",
        metavar="FILE",
        action="append",
        default=[],
        help="a published config-*.gpg, or a recovery-key-*.asc",
    )
    parser.add_argument(
        "--accept-older",
        action="store_true",
        help="use the newest config that opens, even if a newer one is known to exist",
    )
    parser.add_argument("--cancel", action="store_true", help="forget the shares and configs given so far")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Collect, prove, ask for the new passphrase (--passphrase-file gives it), put into effect, report."""
    ask_passphrase.harden()
    if arguments.cancel:
        context.keeper().recover_cancel()
        context.terminal.line("Forgotten; nothing was changed.")
        context.terminal.document({"cancelled": True})
        return ExitCode.DONE
    collection = _collect(context, arguments)
    proof = collection.call(lambda keeper: keeper.recover_prove())
    _tell_newer(context, proof.newer, accept=arguments.accept_older)
    _show(context, proof)
    candidate = _choose(context, proof)
    saved = _commit(context, _new_passphrase(context), candidate, accept_older=arguments.accept_older)
    return _report(context, collection.state, proof, saved)


def _collect(context: Context, arguments: argparse.Namespace) -> Collection:
    """All that the options name, and what a person brings besides as long as it is not enough."""
    from paraductl.recovery import materials
    from paraductl.recovery.collect import Collection, ask

    collection = Collection(context)
    collection.look()
    for place in arguments.kit:
        collection.bring_kit(place)
    for file in arguments.words:
        collection.bring(materials.words(file))
    for file in arguments.config:
        collection.bring(materials.config(file))
    options_given = bool(arguments.kit or arguments.words or arguments.config)
    if context.terminal.interactive and not (options_given and collection.state.ready):
        try:
            ask(context, collection)
        except (EOFError, KeyboardInterrupt):
            context.terminal.note("")
            raise ParaduxError(
                "interrupted",
                "interrupted; nothing was changed, and what was brought is kept for an hour",
                "go on: paraductl recover, or forget it: paraductl recover --cancel",
            ) from None
    if not collection.state.ready:
        raise _not_enough(collection.state)
    return collection


def _not_enough(state: Collected) -> ParaduxError:
    there = "; ".join(state.report) or "nothing was brought"
    hint = "bring more with --kit, --words or --config: what is there is kept for an hour (paraductl recover --cancel forgets it)"
    details = tuple(to_json_value(finding) for finding in state.findings)
    return ParaduxError("not-enough-shares", f"no secret can be made yet: {there}", hint, details=details)


def _tell_newer(context: Context, newer: NewerKnown | None, *, accept: bool) -> None:
    """Before all else: that something newer exists. Without consent to the older one it ends here; what was brought is kept for an hour."""
    if newer is None:
        return
    if not accept:
        hint = f"{newer.needed}; or take the older one: paraductl recover --accept-older"
        raise ParaduxError("newer-exists", f"{newer.message}; nothing was changed", hint)
    context.terminal.note(f"{newer.message}. The older one is taken, as you said.")
    context.terminal.note(
        "If a machine with the newer config is still running, it does not yield to this one: switch it off."
    )


def _show(context: Context, proof: Proven) -> None:
    """What was found, how old it is, and what does not fit together."""
    terminal = context.terminal
    terminal.line(f"The shares are right: they open the config of {proof.owner}.")
    for number, each in enumerate(proof.candidates, 1):
        dated = f"{local_time(each.date)}, {each.age}" if each.date else each.age
        terminal.line(f"  {number}. serial {each.serial} ({dated}), from {each.label}")
    terminal.line(f"  datasets: {', '.join(proof.datasets) or 'none'}")
    for sentence in [*proof.disagreements, *proof.notes]:
        terminal.note(f"  {sentence}")
    if proof.alive:
        terminal.line("This machine's vault opens. It stays as it is; only its passphrase is replaced.")


def _choose(context: Context, proof: Proven) -> int:
    """The newest one, unless they disagree and a person decides otherwise."""
    if proof.alive or not proof.disagreements or not context.terminal.interactive:
        return 0
    while True:
        answer = context.terminal.ask(f"Which one shall be used? [1, the newest; up to {len(proof.candidates)}]") or "1"
        if answer.isdecimal() and 1 <= int(answer) <= len(proof.candidates):
            return int(answer) - 1


def _new_passphrase(context: Context) -> str:
    context.terminal.progress()
    if context.terminal.interactive:
        context.terminal.note("A new operational passphrase, for every day; the old one opens nothing any more.")
    return context.passphrases.new()


def _commit(context: Context, passphrase: str, candidate: int, *, accept_older: bool) -> Recovered:
    """Put it into effect. If the keeper has ended since it proved the shares, what was proven is gone with it."""
    try:
        return context.keeper().recover_commit(passphrase=passphrase, candidate=candidate, accept_older=accept_older)
    except ParaduxError as error:
        if error.code != "closed":
            raise
        raise ParaduxError(
            "closed",
            "the keeper has ended before it said that the recovery is in effect; what was brought is forgotten",
            "see whether the new passphrase opens the vault: paraductl unlock; if not, begin again: paraductl recover",
        ) from None


def _report(context: Context, state: Collected, proof: Proven, recovered: Recovered) -> int:
    """Follow what publishes. After a disaster some stashes are gone, or there is no network: that the config is back is what counts."""
    terminal = context.terminal
    if recovered.alive:
        terminal.line("The passphrase is replaced; data, schedules and shares are as they were.")
    else:
        terminal.line(f"This is the Paradux machine of {proof.owner} now, with serial {recovered.serial}.")
    runs = follow(context, recovered.runs, lambda run: report(context, run))
    good = sum(run.state == "done" for run in runs)
    if runs:
        terminal.line(f"{good} of {len(runs)} metadata stashes have serial {recovered.serial}.")
    if not recovered.alive:
        terminal.line("Schedules go on. Now bring the data back: paraductl restore --all --to DIR")
    context.say_locked()
    if runs and not good:
        terminal.note("No metadata stash could be reached: until one can be, new changes are on this machine only.")
    terminal.document({**to_json_value(state), **to_json_value(proof), **to_json_value(recovered), "runs": runs})
    return ExitCode.DONE
