"""`paraductl rotate`"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from paraductl.context import Context
from paraductl.follow import finish
from paraductl.terminal.wording import local_time
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.replies.rotations import ExposedEpoch, Exposure, RotationCancelled, Standing

HELP = "replace the recovery secret: new shares for every steward"

EXAMPLES = (
    ("A stick was stolen; make new shares for everybody", "paraductl rotate"),
    ("Give up before the last kit is written", "paraductl rotate --cancel"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--cancel", action="store_true", help="cancel the rotation in progress")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Begin, or say how far it is; old shares stay good until every steward has a new kit."""
    reply: Standing | RotationCancelled
    if arguments.cancel:
        reply = context.secret_call(lambda keeper: keeper.rotate_cancel())
        sentences = list(_cancelled(reply))
    else:
        reply = context.secret_call(lambda keeper: keeper.rotate())
        sentences = [*_standing(reply), "", *_exposure(reply.exposure)]
    for sentence in sentences:
        context.terminal.line(sentence)
    rest = {key: value for key, value in to_json_value(reply).items() if key != "runs"}
    code = finish(context, reply.runs, **rest)
    context.say_locked()
    return code


def _standing(reply: Standing) -> Iterator[str]:
    if reply.state == "completed":
        yield f"The rotation is complete: epoch {reply.epoch} is in force, and old shares open nothing new any more."
        return
    if reply.state == "begun":
        yield f"A rotation has begun: epoch {reply.next_epoch} will replace epoch {reply.epoch}."
    else:
        every = len(reply.confirmed) + len(reply.missing)
        count = f"{len(reply.confirmed)} of {every} stewards have a kit of epoch {reply.next_epoch}"
        yield f"A rotation is under way since {local_time(reply.started)}: {count}."
    yield f"Missing: {', '.join(reply.missing)}."
    yield f"{reply.shares_required} of the new shares will be needed; the old ones stay good until every steward has a new kit."
    yield "Write them: paraductl create-steward-device --all"
    yield "Remove whoever cannot be reached: paraductl edit. Give up: paraductl rotate --cancel"


def _cancelled(reply: RotationCancelled) -> Iterator[str]:
    yield f"The rotation is cancelled: epoch {reply.epoch} stays in force, and nothing opens with shares of epoch {reply.cancelled}."
    if again := reply.kits_again:
        yield f"Write a kit again for {', '.join(again)}: paraductl create-steward-device {' '.join(again)}"


def _exposure(exposure: Exposure) -> Iterator[str]:
    """What whoever has enough old shares could open; copies that they made stay theirs for ever."""
    if not exposure.epochs:
        yield "No kit was ever written, so that nobody holds a share."
        return
    yield "Shares that are out:"
    for epoch in exposure.epochs:
        yield f"  epoch {epoch.epoch}: {_holders(epoch)}; any {epoch.threshold} of them open {_reach(epoch)}"
    yield (
        "Copies of published configs, of the vault, or of this machine's disk may have been made before a rotation is complete;"
        " no rotation closes those."
    )
    if exposure.credentials:
        yield "If enough shares may be in wrong hands, change these credentials where they are used, then here (paraductl edit):"
        yield from (f"  {path}" for path in exposure.credentials)


def _holders(epoch: ExposedEpoch) -> str:
    former = [f"{steward} (former)" for steward in epoch.former] if epoch.holders else epoch.former
    return ", ".join([*epoch.holders, *former])


def _reach(epoch: ExposedEpoch) -> str:
    if epoch.up_to_serial is None:
        return "every published config, until a rotation is complete"
    return f"configs up to serial {epoch.up_to_serial}, published before {local_time(epoch.before)}"
