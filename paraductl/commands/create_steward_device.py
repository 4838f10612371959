"""`paraductl create-steward-device`"""

from __future__ import annotations

import argparse
import base64
from pathlib import Path

from paraductl.arguments import usage
from paraductl.context import Context
from paraductl.terminal import ask_passphrase
from paraductl.terminal.wording import local_time
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass

HELP = "write kits for stewards: onto sticks as they are plugged in, or into folders"

ALIASES = ("create-steward-devices",)

EXAMPLES = (
    ("Write a kit for each steward who has no current one, stick after stick", "paraductl create-steward-device --all"),
    (
        "Write Alice's kit into a folder, to burn it on a DVD",
        "paraductl create-steward-device alice --directory /tmp/alice",
    ),
    (
        "Write Bob's kit on a stick that holds other data, which is lost",
        "paraductl create-steward-device bob --device /dev/sdx --erase",
    ),
)


@dataclass(frozen=True)
class KitInFolder:
    """A kit that was written into a folder, for programs."""

    steward: str
    name: str
    epoch: int
    serial: int
    sha256: str
    path: str


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("stewards", metavar="STEWARD", nargs="*", help="whose kits, in the order of their sticks")
    parser.add_argument(
        "--all", action="store_true", help="every steward without a current kit; with --directory, every steward"
    )
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--device", metavar="DEV", help="write to this stick (like /dev/sdx) at once; for one steward")
    where.add_argument(
        "--directory", metavar="DIR", help="write into DIR/PARADUX; of several stewards into DIR/STEWARD/PARADUX"
    )
    parser.add_argument("--erase", action="store_true", help="allow other data that is in the way to be erased")
    parser.add_argument("--no-wait", action="store_true", help="return while the daemon waits for the sticks")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Write kits into folders, or let the daemon wait for sticks."""
    if arguments.all and arguments.stewards:
        raise usage("name stewards or say --all, not both")
    if len(set(arguments.stewards)) < len(arguments.stewards):
        raise usage("a steward is named twice")
    if arguments.device and len(arguments.stewards) != 1:
        raise usage("--device takes the kit of one steward: name that one")
    if arguments.directory is None:
        return _onto_sticks(context, arguments)
    if arguments.no_wait:
        raise usage("--no-wait is about sticks: a folder is written at once")
    return _into_folders(context, arguments)


def _into_folders(context: Context, arguments: argparse.Namespace) -> int:
    everybody = [steward.id for steward in context.supervisor().stewards().stewards]
    stewards = arguments.stewards or everybody
    single = len(arguments.stewards) == 1
    directory = Path(arguments.directory)
    kits = []
    ask_passphrase.harden()
    for steward in stewards:
        place = directory if single else directory / steward
        kits.append(_into_folder(context, steward, place, erase=arguments.erase))
        context.terminal.line(f"{kits[-1].name}'s kit is written and read back: {kits[-1].path}")
    context.terminal.document({"kits": kits})
    return ExitCode.DONE


def _into_folder(context: Context, steward: str, directory: Path, *, erase: bool) -> KitInFolder:
    from paraductl.recovery.kit_writer import write_kit

    kit = context.secret_call(lambda keeper: keeper.kits_directory(steward=steward))
    files = {name: base64.b64decode(content) for name, content in kit.files.items()}
    try:
        path = write_kit(directory, steward, files, erase=erase)
    except KeyboardInterrupt:
        raise ParaduxError(
            "interrupted", f"interrupted; nothing was written for {steward}", "the kits reported above are complete"
        ) from None
    context.secret_call(lambda keeper: keeper.kits_confirm(steward=steward, sha256=kit.sha256))
    return KitInFolder(kit.steward, kit.name, kit.epoch, kit.serial, kit.sha256, str(path))


def _onto_sticks(context: Context, arguments: argparse.Namespace) -> int:
    try:
        reply = context.secret_call(
            lambda keeper: keeper.kits_arm(
                stewards=arguments.stewards,
                erase=arguments.erase,
                device=arguments.device,
                wait=not arguments.no_wait,
            )
        )
    except KeyboardInterrupt:
        raise ParaduxError(
            "interrupted",
            "interrupted; the daemon still waits for the sticks until the authorized time is over",
            "end that with: paraductl lock",
        ) from None
    except ParaduxError as error:
        if error.code != "closed":
            raise
        raise ParaduxError(
            "disarmed",
            "not all kits are written: the vault was locked, or the authorized time is over",
            "see who has none: paraductl stewards",
            ExitCode.NOT_AUTHORIZED,
        ) from None
    context.terminal.document(reply)
    if reply.waiting:
        context.terminal.line(f"Waiting for sticks until {local_time(reply.until)}; end that with: paraductl lock")
    elif reply.written:
        count = len(reply.written)
        context.terminal.line(f"{count} kit{'s' if count > 1 else ''} written and read back.")
    else:
        context.terminal.line("Nothing to write: every steward holds a current kit.")
    return ExitCode.DONE
