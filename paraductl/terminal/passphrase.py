"""Getting passphrases: from a file or the terminal, never from arguments or environment, kept in this process only."""

from __future__ import annotations

import getpass
import os
import stat

from paraductl.terminal.input_files import read_text
from paraductl.terminal.terminal import Terminal
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.passphrases import refusal

ADVISED = 12


def harden() -> None:
    """No core dump and no debugger for a process that holds a passphrase."""
    from paraduxd import linux

    linux.no_core_dumps()
    linux.no_dumps_or_tracing()


class Passphrases:
    """The operational passphrase of this command: `--passphrase-file`, or the person at the terminal."""

    def __init__(self, terminal: Terminal, file: str | None) -> None:
        self._terminal = terminal
        self._file = file
        self._from_file: str | None = None

    @property
    def given(self) -> bool:
        """Whether the caller gave one, which then counts even while the vault is open."""
        return self._file is not None

    @property
    def can_ask(self) -> bool:
        """Whether another try makes sense."""
        return self._file is None

    def current(self, prompt: str = "Passphrase: ") -> str:
        """The passphrase; raises `ParaduxError` with exit code 3 when there is nobody to ask."""
        harden()
        return _ask(prompt) if self._file is None else self._read()

    def new(self, file: str | None = None) -> str:
        """A new passphrase: from `file`, else `--passphrase-file`, else asked for twice; raises `ParaduxError` for a bad one."""
        harden()
        if file is not None:
            self._warn_of(file)
            return _acceptable(read_passphrase(file))
        if self._file is not None:
            return _acceptable(self._read())
        return self._ask_new()

    def _read(self) -> str:
        if self._from_file is None:
            self._warn_of(self._file or "-")
            self._from_file = read_passphrase(self._file or "-")
        return self._from_file

    def _warn_of(self, file: str) -> None:
        if is_open_to_others(file):
            self._terminal.note(f"warning: other users may read or change {file}; as it should be: chmod 600")

    def _ask_new(self) -> str:
        while True:
            passphrase = _ask("New passphrase: ")
            if problem := refusal(passphrase):
                self._terminal.note(problem)
            elif _ask("The same again: ") != passphrase:
                self._terminal.note("the passphrases do not match; try again")
            elif not (doubt := weakness(passphrase)) or self._agrees(doubt):
                return passphrase

    def _agrees(self, doubt: str) -> bool:
        return self._terminal.choose(f"{doubt}. Use it all the same? [y]es, [n]o:", "yn") == "y"


def read_passphrase(file: str) -> str:
    """The whole file without one line feed at its end."""
    return read_text(file).removesuffix("\n")


def is_open_to_others(file: str) -> bool:
    """Whether a file that holds a passphrase can be read or written by more than its owner; a pipe is not asked."""
    try:
        mode = os.stat(file).st_mode  # noqa: PTH116 - as it is read
    except OSError:
        return False
    return file != "-" and stat.S_ISREG(mode) and bool(mode & 0o077)


def weakness(passphrase: str) -> str:
    """Why a new passphrase is a bad idea, or nothing."""
    if len(passphrase) < ADVISED:
        return f"it has fewer than {ADVISED} characters; four or more random words are better"
    if len(set(passphrase)) < 6:
        return "it consists of very few different characters"
    return ""


def _acceptable(passphrase: str) -> str:
    if problem := refusal(passphrase):
        raise ParaduxError("bad-passphrase", problem, "choose another one, for example four random words")
    return passphrase


def _ask(prompt: str) -> str:
    """Ask on the terminal without showing what is typed."""
    try:
        with open("/dev/tty", "r+b", buffering=0):  # noqa: PTH123 - only whether there is a terminal
            pass
        return getpass.getpass(prompt)
    except (OSError, EOFError):
        raise ParaduxError(
            "no-passphrase",
            "cannot ask for the passphrase: there is no terminal",
            "use --passphrase-file FILE",
            ExitCode.NOT_AUTHORIZED,
        ) from None
