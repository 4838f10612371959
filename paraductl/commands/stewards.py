"""`paraductl stewards`"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from paraductl.context import Context
from paraduxd.api import phrases
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.kits import StewardKit, Stewards

HELP = "list who holds which kit, since when, and whose kit is due for a check"

EXAMPLES = (
    ("Who holds what", "paraductl stewards"),
    ("Ask Alice to look at her kit at home", "paraductl stewards --ask alice"),
    ("Take the code that she reads out", "paraductl stewards --confirm 089 761 180 071"),
)

_STATES = {"current": "green", "none": "yellow", "void": "red", "damaged": "red", "check-up due": "yellow"}


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--ask",
        metavar="STEWARD",
        help="print six digits for this steward; a code that answers them is known to be new",
    )
    which.add_argument(
        "--confirm",
        metavar="CODE",
        nargs="+",
        help="take the twelve digits that a steward reads out",
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Ask and show."""
    if arguments.ask is not None:
        return _ask(context, arguments.ask)
    if arguments.confirm is not None:
        return _confirm(context, " ".join(arguments.confirm))
    reply = context.supervisor().stewards()
    context.terminal.document(reply)
    if reply.epoch is None:
        if context.terminal.as_json:
            return ExitCode.DONE
        raise ParaduxError("not-set-up", "there are no stewards: no config is in force", "see: paraductl status")
    if not context.terminal.as_json:
        for line in _page(reply, context.terminal.colour, datetime.now(UTC), shutil.get_terminal_size().columns):
            context.terminal.raw(line.rstrip() + "\n")
    return ExitCode.DONE


def _ask(context: Context, steward: str) -> int:
    reply = context.member_call(lambda daemon: daemon.ask(steward=steward))
    context.terminal.document(reply)
    digits = reply.challenge
    context.terminal.line(f"Tell {reply.name} these digits: {digits[:3]} {digits[3:]}")
    context.terminal.line(
        "They put the stick into a computer, open recover.html on it, and type the digits where the page asks for them."
    )
    context.terminal.line("Then they read you twelve digits. Type them here: paraductl stewards --confirm DIGITS")
    context.terminal.line(f"The question is good until {reply.until[:10]}, for one answer.")
    return ExitCode.DONE


_SAYS = {
    "whole": "the whole kit is there, with every file as it was written",
    "share": "the share is good, but something else on the kit is damaged; write the kit anew: paraductl create-steward-device {steward}",
    "words": "the words of the printed sheet are good; the stick was not looked at",
}


def _confirm(context: Context, code: str) -> int:
    reply = context.member_call(lambda daemon: daemon.confirm(code=code))
    context.terminal.document(reply)
    context.terminal.line(
        f"{reply.name} ({reply.steward}), on {reply.date}: {_SAYS[reply.kind].format(steward=reply.steward)}."
    )
    if reply.asked:
        context.terminal.line("It answers what you asked, so it is new.")
    else:
        context.terminal.line(
            f"Nothing was asked, so the day is only what was said; for a new one: paraductl stewards --ask {reply.steward}"
        )
    return ExitCode.DONE


def state_of(steward: StewardKit) -> str:
    """How it stands with the kit of one steward, in a word or two."""
    if steward.epoch is None:
        return "none"
    if steward.void:
        return "void"
    if steward.problems:
        return "damaged"
    if not steward.current:
        return f"of old epoch {steward.epoch}"
    return "check-up due" if steward.overdue else "current"


def _page(reply: Stewards, colour: bool, now: datetime, width: int) -> Iterator[str]:
    from paraductl.terminal.status_page import by_code
    from paraductl.terminal.table import TableCell, safe, table

    stewards = safe(reply.stewards)
    heads = ("Steward", "", "kit", "written", "seen here", "on", "agreed")
    rows = [[TableCell(text, ("bold",) if text == "Steward" else ("dim",)) for text in heads]]
    for steward in stewards:
        state = state_of(steward)
        kit = steward.epoch is not None
        rows.append(
            [
                TableCell(f"  {steward.id}", ("bold",)),
                TableCell(steward.name),
                TableCell(state, (_STATES.get(state, "yellow"),)),
                TableCell((steward.written or "")[:10]),
                TableCell(phrases.ago(steward.last_seen or steward.written, now) if kit else ""),
                TableCell((steward.device_serial or "a folder") if kit else "", ("dim",)),
                TableCell(steward.accepted_on or "not yet"),
            ]
        )
    yield from table(rows, width, colour, droppable=(5, 1))
    yield ""
    for steward in stewards:
        if seen := steward.seen_by_code:
            yield f"{steward.id}, by code: {by_code(seen, now)}"
    yield from _summary(reply, stewards)


def _summary(reply: Stewards, stewards: Sequence[StewardKit]) -> Iterator[str]:
    current = [steward.id for steward in stewards if steward.current]
    yield (
        f"{len(current)} of {len(stewards)} hold a current kit (epoch {reply.epoch});"
        f" any {reply.shares_required} together open the config."
    )
    if reply.rotation is not None:
        ready = [steward.id for steward in stewards if steward.next]
        yield f"A rotation is under way: {len(ready)} of {len(stewards)} hold a kit of epoch {reply.rotation}."
    for steward in stewards:
        for problem in steward.problems:
            yield f"{steward.id}: {problem}"
    rotating = reply.rotation is not None
    if missing := [steward.id for steward in stewards if not (steward.next if rotating else steward.current)]:
        yield f"Write what is missing: paraductl create-steward-device {' '.join(missing)}"
