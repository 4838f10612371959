"""`paraductl install-service`"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from paraductl.context import Context
from paraductl.installation import service_files
from paraductl.installation.service_files import Places
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.trust import distrust

HELP = "put systemd units, group, manual pages and completion of this program on the machine"

EXAMPLES = (
    ("After pipx install, as root: the daemon starts", "paraductl install-service"),
    ("Only look at what would be written", "paraductl install-service --root /tmp/look"),
    ("Before pipx uninstall", "paraductl install-service --remove"),
)

_SOCKETS = ("paradux-transfer.socket", "paradux-disk.socket")


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--prefix", metavar="DIR", default="/usr/local", help="install below this directory (default: /usr/local)"
    )
    parser.add_argument("--root", metavar="DIR", help="write below DIR, for a package or an image, and start nothing")
    parser.add_argument("--home", metavar="DIR", help=argparse.SUPPRESS)  # where the program will lie, if not here
    parser.add_argument("--remove", action="store_true", help="stop the daemon and remove it; the state stays")


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Write or remove, and tell systemd."""
    live = arguments.root is None
    os.umask(0o022)  # others read units and manual pages, whatever the umask of root
    places = _places(arguments)
    if live:
        _refuse_where_it_cannot_work(places, removing=arguments.remove)
    if arguments.remove:
        if live:
            _systemctl("disable", "--quiet", "--now", "paraduxd.service", *_SOCKETS)
        service_files.remove(places)
        written = []
    else:
        written = service_files.write(places)
    if live:
        _tell_systemd(places, removed=arguments.remove)
    for path in written:
        context.terminal.line(str(path))
    context.terminal.document({"written": [str(path) for path in written]})
    return ExitCode.DONE


def _places(arguments: argparse.Namespace) -> Places:
    prefix, root = Path(arguments.prefix).absolute(), Path(arguments.root or "/").absolute()
    if arguments.home:
        home = Path(arguments.home)
        return Places(home, prefix / "bin", prefix, root, root / home.relative_to("/") / "share")
    return Places(Path(sys.prefix), Path(sys.argv[0]).absolute().parent, prefix, root, Path(sys.prefix) / "share")


def _refuse_where_it_cannot_work(places: Places, *, removing: bool) -> None:
    if os.geteuid() != 0:
        raise ParaduxError("failed", "only root can install a service for the whole machine", "use sudo")
    if not Path("/run/systemd/system").is_dir():
        raise ParaduxError(
            "failed",
            "this machine was not started by systemd",
            "start paraduxd by your own means; for a private one use contrib/quickstart",
        )
    reason = distrust(places.home, frozenset({0}), sticky=False)
    if reason and not removing:
        raise ParaduxError(
            "untrusted-program",
            f"root must not run the program in {places.home}: it {reason}",
            "install it where only root can write: PIPX_HOME=/opt/pipx PIPX_BIN_DIR=/usr/local/bin pipx install ...",
        )


def _tell_systemd(places: Places, *, removed: bool) -> None:
    if not removed:
        _run("systemd-sysusers", str(places.prefix / "lib/sysusers.d/paradux.conf"))
        _run("systemd-tmpfiles", "--create", str(places.prefix / "lib/tmpfiles.d/paradux.conf"))
    _systemctl("daemon-reload")
    if not removed:
        _systemctl("restart", *_SOCKETS)
        _systemctl("enable", "--quiet", "paraduxd.service")
        _systemctl("restart", "paraduxd.service")


def _systemctl(*words: str) -> None:
    _run("systemctl", *words)


def _run(*command: str) -> None:
    """Run a program of systemd; what it says goes to standard error, where its user reads it."""
    code = subprocess.call(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if code:
        raise ParaduxError("failed", f"{command[0]} {command[1]} ended with {code}", "see above; then try again")
