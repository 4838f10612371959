"""`paraduxd`: command line, one daemon per state directory, signals, the service manager."""

from __future__ import annotations

import gc

if __name__ == "__main__":
    gc.disable()  # what is imported stays: looking for garbage in it takes a tenth of the time of a start

import argparse
import contextlib
import errno
import faulthandler
import fcntl
import logging
import os
import select
import signal
import stat
import sys
from pathlib import Path
from typing import IO

from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.paths import StatePlaces, run_directory, state_directory
from paraduxd.effects.files import transport_files
from paraduxd.effects.process import hardening, systemd_notify
from paraduxd.effects.process.log_lines import JournalFormatter, LineFormatter, log_to_stderr
from paraduxd.effects.process.run import NOWHERE
from paraduxd.supervisor.daemon import Daemon, Options
from paraduxd.supervisor.keeper_link import STDERR
from paraduxd.version import VERSION

log = logging.getLogger("paradux")

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGXCPU, signal.SIGPWR})
"""Signals that end the daemon in order, a closed terminal (SIGHUP) among them."""

LEFT_ALONE = frozenset(
    {
        *(signal.SIGKILL, signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU, signal.SIGCONT),
        *(signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGPIPE, signal.SIGXFSZ),
        *(signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGSYS),
    }
)
"""Signals that nobody can catch, that stop or do nothing, that Python ignores, and those of a fault."""


def main(argv: list[str] | None = None) -> int:
    """Run in the foreground until a signal ends it; gives the exit code."""
    options = parser().parse_args(argv)
    options.state = str(state_directory(options.state).directory.absolute())
    options.run = str(run_directory(options.run).directory.absolute())
    for name in ("stick_folders", "worker_sockets"):
        path = getattr(options, name)
        setattr(options, name, path and path.absolute())
    hardening.keep_files_private()
    faulthandler.enable(STDERR)  # systemd's watchdog ends what hangs by SIGABRT: then the log says where
    os.chdir(NOWHERE)  # whoever can write to where it was started decides nothing from here on
    _log_to_stderr(options.log_level)
    try:
        with _only_one(_prepared(state_directory(options.state))):
            return _sweep(options) if options.sweep else _serve(options)
    except ParaduxError as problem:
        print(f"paraduxd: {problem.message}", *([problem.hint] if problem.hint else []), sep="\n  ", file=sys.stderr)
        return int(problem.exit_code)


def parser() -> argparse.ArgumentParser:
    """The command line; the manual page is made from it, too."""
    parser = argparse.ArgumentParser(
        prog="paraduxd", description="The Paradux daemon. Runs in the foreground and logs to standard error."
    )
    parser.add_argument("--state", metavar="DIR", help="state directory (default: $PARADUX_STATE or /var/lib/paradux)")
    parser.add_argument("--run", metavar="DIR", help="directory of the sockets (default: $PARADUX_RUN or /run/paradux)")
    parser.add_argument("--group", default="paradux", help="group that may use the sockets (default: paradux)")
    parser.add_argument("--log-level", default="info", choices=["debug", "info", "warning", "error"])
    parser.add_argument(
        "-q", "--quiet", dest="log_level", action="store_const", const="warning", help="as --log-level warning"
    )
    parser.add_argument(
        "-v", "--verbose", dest="log_level", action="store_const", const="debug", help="as --log-level debug"
    )
    parser.add_argument(
        "--weak-kdf-for-tests",
        action="store_true",
        help="make vaults whose passphrase is cheap to guess; tests only, status warns about it",
    )
    parser.add_argument(
        "--stick-folders",
        metavar="DIR",
        type=Path,
        help="folders that appear in DIR stand for sticks that are plugged in; for demonstrations and tests",
    )
    parser.add_argument(
        "--worker-sockets",
        metavar="DIR",
        type=Path,
        help="start workers through the sockets transfer and disk in DIR, in units of their own, instead of as children",
    )
    parser.add_argument(
        "--sweep",
        action="store_true",
        help="remove what a killed daemon left in memory (/dev/shm), then exit; refused while a daemon runs",
    )
    parser.add_argument("--version", action="version", version=f"paraduxd {VERSION}")
    return parser


def _sweep(options: argparse.Namespace) -> int:
    transport_files.forget(state_directory(options.state), unattended=False)
    hardening.sweep_stale()
    return ExitCode.DONE


def _serve(options: argparse.Namespace) -> int:
    ending = _ending_signals()
    how = Options(options.group, options.weak_kdf_for_tests, options.stick_folders, options.worker_sockets)
    daemon = Daemon(state_directory(options.state), run_directory(options.run), how)
    daemon.start()
    systemd_notify.notify("READY=1")
    log.info("Paradux %s runs, process %d", VERSION, os.getpid())
    while not select.select([ending], [], [], systemd_notify.watchdog_interval())[0]:
        systemd_notify.notify("WATCHDOG=1")
    systemd_notify.notify("STOPPING=1")
    log.info("Paradux is ending")
    daemon.stop()
    return ExitCode.DONE


def _ending_signals() -> int:
    """A descriptor that can be read from when the daemon shall end. An `Event` could be set while this very thread holds its lock."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def wake(*_: object) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(writing, b"!")

    for number in ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup(1)
            signal.signal(number, wake)
    for number in signal.valid_signals() - ENDING - LEFT_ALONE:
        signal.signal(number, _go_on)
    return reading


def _go_on(number: int, _: object) -> None:
    """A signal that means nothing here, and whose default would end the daemon at once."""
    log.info("Signal %d is ignored", number)


def _prepared(state: StatePlaces) -> StatePlaces:
    """The state directory, made when missing; raises `ParaduxError` when it is not ours."""
    directory = state.directory
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as problem:
        raise ParaduxError(
            "bad-state-directory",
            f"cannot use the state directory {directory}: {problem.strerror}",
            "give another one with --state",
        ) from None
    if status.st_uid != os.getuid():
        raise ParaduxError(
            "bad-state-directory",
            f"the state directory {directory} belongs to somebody else (uid {status.st_uid}, not {os.getuid()})",
            "run paraduxd as that user, or give another directory with --state",
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        with contextlib.suppress(OSError):  # a disk that is read-only: nobody can write there, and status says so
            directory.chmod(0o700)
    return state


def _only_one(state: StatePlaces) -> IO[bytes]:
    """The lock of the state directory, held for as long as the file is open; raises `ParaduxError` when it is taken."""
    try:
        lock = _lock_file(state.lock)
    except OSError as problem:
        raise ParaduxError(
            "bad-state-directory",
            f"cannot write into the state directory {state.directory}: {problem.strerror}",
            "make it writable, or give another one with --state",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise ParaduxError(
            "already-running",
            f"another paraduxd already works on {state.directory}",
            "use that one, or give another directory with --state",
        ) from None
    return lock


def _lock_file(path: Path) -> IO[bytes]:
    """The lock, opened for writing where it may be made; on a disk that is read-only, as it is there."""
    try:
        return path.open("ab")
    except OSError as problem:
        if problem.errno not in (errno.EROFS, errno.ENOSPC, errno.EDQUOT):
            raise
        return path.open("rb")


def _log_to_stderr(level: str) -> None:
    """Plain lines; under systemd with the priority in front."""
    in_journal = "JOURNAL_STREAM" in os.environ
    log_to_stderr(JournalFormatter() if in_journal else LineFormatter("%(asctime)s %(levelname)s "), level.upper())
    for chatty in ("apscheduler", "rpyc", "PARADUX"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    gc.freeze()
    gc.enable()
    sys.exit(main())
