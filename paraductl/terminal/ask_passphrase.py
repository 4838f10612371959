"""Getting passphrases: from a file or the terminal, never from arguments or environment, kept in this process only."""

from __future__ import annotations

import getpass
import os
import stat
import unicodedata

from paraductl.terminal.input_files import read_text, shown_name
from paraductl.terminal.terminal import Terminal
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.typed.passphrase_rules import refusal

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
            return self._acceptable(file, read_passphrase(file))
        if self._file is not None:
            return self._acceptable(self._file, self._read())
        return self._ask_new()

    def _read(self) -> str:
        if self._from_file is None:
            self._warn_of(self._file or "-")
            self._from_file = read_passphrase(self._file or "-")
            self._tell_strange(self._file or "-", self._from_file)
        return self._from_file

    def _tell_strange(self, file: str, passphrase: str) -> None:
        """What counts all the same: it may have been set that way."""
        if what := strange(passphrase):
            self._terminal.note(f"warning: {shown_name(file)} {what}")

    def _acceptable(self, file: str, passphrase: str) -> str:
        """A new passphrase from a file."""
        problem = refusal(passphrase)
        if problem and (what := strange(passphrase)):
            problem = f"the new passphrase cannot be used: {shown_name(file)} {what}"
        if problem:
            raise ParaduxError("bad-passphrase", problem, "choose another one, for example four random words")
        if file != self._file:
            self._tell_strange(file, passphrase)
        return passphrase

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


def strange(passphrase: str) -> str:
    """What is in a passphrase from a file that its owner has hardly typed, as a clause, or nothing."""
    if passphrase.startswith("\ufeff"):
        return "begins with a byte order mark: save it as UTF-8 without BOM"
    if passphrase.endswith("\r"):
        return "ends with a carriage return, as lines do on Windows: save it with the line ends of Unix"
    if "\n" in passphrase:
        return "has more than one line: the passphrase must be all that is in it"
    if not unicodedata.is_normalized("NFC", passphrase):
        return "has letters with accents of their own (NFD, as macOS writes): typed ones are others (NFC)"
    return ""


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
