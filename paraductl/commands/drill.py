"""`paraductl drill`"""

from __future__ import annotations

import argparse
from pathlib import Path

from paraductl.context import Context
from paraductl.terminal.wording import local_time
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.drills import DrillOutcome, Opening, Rehearsed, Restored

HELP = "rehearse a recovery into a scratch place; nothing else is changed"

EXAMPLES = (
    ("Rehearse with the shares in the vault", "paraductl drill"),
    (
        "Rehearse with two sticks, which proves these kits as well",
        "paraductl drill --kit /media/alice/PARADUX --kit /media/bob/PARADUX",
    ),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--kit",
        metavar="DIR",
        action="append",
        default=[],
        help="take the shares from kits, which proves these kits too",
    )
    parser.add_argument("--scratch", metavar="DIR", help="where files are restored for a while (default: /var/tmp)")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Run the drill and show, place by place, what is proven."""
    scratch = str(Path(arguments.scratch).expanduser().absolute()) if arguments.scratch else ""
    try:
        reply = _drill(context, arguments.kit, scratch)
    except KeyboardInterrupt:
        with context.another_keeper() as keeper:
            keeper.drill_cancel()
        raise ParaduxError(
            "cancelled", "the drill was cancelled; nothing was changed", "run it again: paraductl drill"
        ) from None
    _show(context, reply)
    context.terminal.document(reply)
    return ExitCode.DONE if reply.flawless else ExitCode.FAILED


def _drill(context: Context, kits: list[str], scratch: str) -> DrillOutcome:
    if not kits:
        return context.secret_call(lambda keeper: keeper.drill(scratch=scratch))
    from paraductl.recovery import materials

    brought = [materials.as_plain(material) for kit in kits for material in materials.kit(kit)]
    return context.keeper().drill_kits(materials=brought, scratch=scratch)


def _show(context: Context, reply: DrillOutcome) -> None:
    terminal = context.terminal
    for opening in reply.openings:
        what = "config in" if opening.kit else "config from"
        terminal.line(f"{_mark(opening)} {what} {opening.place}: {opening.text}")
    for restored in reply.restored:
        text = _restored(restored.result) if restored.good and restored.result else restored.text
        terminal.line(f"{_mark(restored)} {restored.dataset} from {restored.destination}: {text}")
        if restored.error and restored.error.hint:
            terminal.line(f"      {restored.error.hint}")
    terminal.line(_verdict(reply))


def _mark(part: Opening | Restored) -> str:
    return "ok    " if part.good else "FAILED"


def _restored(result: Rehearsed) -> str:
    how = f"{result.compared} equal to the copy here" if result.compared else ""
    itself = f"{result.by_itself} whole by their checksums" if result.by_itself else ""
    told = ", ".join(filter(None, (how, itself)))
    return f"{phrases.count(result.files, 'file')} restored ({phrases.size(result.bytes)}, as of {local_time(result.time)}), {told}"


def _verdict(reply: DrillOutcome) -> str:
    if reply.flawless:
        return "Recoverable: proven today."
    if reply.proven:
        return "Recoverable: proven today, but not from every place: see what failed above."
    return f"Not proven: {'; '.join(reply.lacking)}."
