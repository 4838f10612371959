"""The keeper's entry: started by the supervisor with a line to it, ended by it or by the end of the authorized time."""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the time of a start

import argparse
import contextlib
import logging
import os
import socket
import sys
import threading
from pathlib import Path
from typing import NoReturn

from paraduxd import linux
from paraduxd.api.errors import ParaduxError, unforeseen
from paraduxd.api.paths import StatePlaces
from paraduxd.effects.files import transport_files
from paraduxd.effects.ipc.keeper_news import KeeperNews
from paraduxd.effects.process import hardening, orphans
from paraduxd.effects.process.log_lines import LineFormatter, log_to_stderr
from paraduxd.effects.process.worker_hosts import UnitHost
from paraduxd.effects.vault.vault import Kdf
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.connections import Clients
from paraduxd.keeper.kits.pending_kits import KitState
from paraduxd.keeper.kits.stick_worker import StickTools
from paraduxd.keeper.runtime import workers
from paraduxd.keeper.runtime.installation import Installation
from paraduxd.keeper.runtime.session import Session
from paraduxd.keeper.runtime.supervisor_link import Control
from paraduxd.keeper.stick_dispatch import Sticks
from paraduxd.protocols import registry

log = logging.getLogger("paradux.keeper")


def main(argv: list[str] | None = None) -> None:
    """Serve until the supervisor closes the line or the session is over."""
    options = _options(argv)
    linux.die_with_parent(options.parent)
    orphans.adopt()
    weaknesses = hardening.harden()
    log_to_stderr(LineFormatter())
    control = Control(socket.socket(fileno=options.control))
    # What was written up to here is read by whoever started us; from here on it goes to the log.
    os.dup2(options.errors, sys.stderr.fileno(), inheritable=True)
    os.close(options.errors)
    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells the letters of every sheet
    try:
        _serve(options, control, weaknesses)
    except ParaduxError as problem:
        _give_up(control, problem)
    except Exception as problem:
        _give_up(control, unforeseen("it failed unexpectedly", problem))  # its text may repeat a secret
    os._exit(0)


def _give_up(control: Control, problem: ParaduxError) -> NoReturn:
    log.error("The keeper cannot work: %s (%s)", problem.message, problem.hint)
    with contextlib.suppress(OSError):
        control.tell(KeeperNews(failed=problem.message))
    sys.exit(1)


def _serve(options: argparse.Namespace, control: Control, weaknesses: tuple[str, ...]) -> None:
    state = StatePlaces(options.state)
    private = (state.directory, *options.run, transport_files.directory(state, unattended=False))
    workers.place.host = (
        UnitHost(options.worker_sockets, private) if options.worker_sockets else workers.child_host(private)
    )
    installation = Installation(
        state=state,
        capabilities=capabilities_of(registry.load()),
        kdf=Kdf.WEAK if options.weak_kdf else Kdf.DEFAULT,
        memory=hardening.private_memory(),
        control=control,
    )
    session = Session(lambda current: control.tell(_news(current, weaknesses)))
    control.tell(KeeperNews(weaknesses=weaknesses))
    threading.Thread(target=session.end_when_over, daemon=True).start()
    sticks = Sticks(session, installation, StickTools())
    session.kept.of(KitState).sticks = sticks
    threading.Thread(target=sticks.run, name="sticks", daemon=True).start()
    control.serve(Clients(session, installation).accept, sticks.plugged_in)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="paradux-keeper")
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--run", type=Path, action="append", default=[], help="directory of the sockets")
    parser.add_argument("--control", type=int, required=True, help="descriptor of the line to the supervisor")
    parser.add_argument("--errors", type=int, required=True, help="descriptor for what it writes once it works")
    parser.add_argument("--parent", type=int, required=True, help="process id of the supervisor")
    parser.add_argument("--weak-kdf", action="store_true")
    parser.add_argument("--worker-sockets", type=Path)
    return parser.parse_args(argv)


def _news(session: Session, weaknesses: tuple[str, ...]) -> KeeperNews:
    """How it stands; and which vault was just opened or saved, so that a change by somebody else is noticed."""
    window, opened = session.window, session.opened
    signature = opened.vault.signature if opened else ""
    return KeeperNews(opened is not None, window.until if window else None, weaknesses, signature)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    main()
