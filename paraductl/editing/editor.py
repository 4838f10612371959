"""The owner's editor on a text that never touches a disk.

The editor runs as the calling user under `editor_sandbox.py`, a process of its own, so that it inherits no memory of this one (which
knows the passphrase). The text goes there and comes back through pipes.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from paraductl.editing.editor_sandbox import Edited, EditOrder
from paraduxd.api import bounded_json
from paraduxd.api.dataclass_json import from_json_value, to_json_value
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass

_VIM_SAFE = (
    "silent! set noswapfile nobackup nowritebackup | silent! set noundofile | silent! set viminfo= | silent! set shada="
    " | silent! set viminfofile=NONE"
)
_VIM_EARLY = "silent! autocmd BufReadPre,BufNewFile * silent! setlocal noswapfile noundofile"
_EMACS_SAFE = (
    "(setq make-backup-files nil auto-save-default nil auto-save-list-file-prefix nil create-lockfiles nil"
    " desktop-save nil save-place nil savehist-additional-variables nil kill-buffer-delete-auto-save-files t)"
)

_OPTIONS = {
    "vi": ("-n", "-i", "NONE", "--cmd", _VIM_SAFE, "--cmd", _VIM_EARLY, "-c", _VIM_SAFE),
    "nano": ("--ignorercfiles",),
    "emacs": ("--eval", _EMACS_SAFE),
}
"""What keeps an editor from writing swap, backup, undo and history files; vim gets it before and after the user's own settings."""

_FAMILIES = {"vim": "vi", "nvim": "vi", "nano": "nano", "rnano": "nano", "emacs": "emacs", "ed": "ed"}

_HAND_OVER = {
    **dict.fromkeys(("code", "code-insiders", "codium", "vscodium", "cursor", "subl", "zed"), ("--wait", "-w")),
    **dict.fromkeys(("gedit", "gnome-text-editor", "pluma", "xed"), ("--standalone", "-s", "--wait", "-w")),
    **dict.fromkeys(("kate", "kwrite"), ("--block", "-b")),
    "emacsclient": (),
}
"""Editors that pass the file to a process which runs already, and which could not see it in a namespace of ours.

The options with which they wait until it was edited; the first one is added where all are missing."""

_NEVER_WAITS = {"emacsclient": ("-n", "--no-wait")}

_AT = {
    "vi": ("+{line}", "-c", "silent! normal! {column}|"),
    "nano": ("+{line},{column}",),
    "emacs": ("+{line}:{column}",),
    **dict.fromkeys(("emacsclient", "micro", "gedit", "xed", "pluma"), ("+{line}:{column}",)),
    **dict.fromkeys(("code", "code-insiders", "codium", "vscodium", "cursor"), ("--goto",)),
    **dict.fromkeys(("kate", "kwrite"), ("--line", "{line}", "--column", "{column}")),
    **dict.fromkeys(("joe", "jed", "mg", "mcedit", "ne", "nvi"), ("+{line}",)),
}
"""With what an editor begins at a place in the file."""

_OTHERS = {"vi": "nvi"}
"""Of a name what it is where it is nothing of the families above."""

_BEHIND = {"code", "code-insiders", "codium", "vscodium", "cursor", "subl", "zed", "hx", "helix"}
"""Editors that take the place behind the name of the file."""

_DEFAULTS = ("editor", "nano", "vi")


@dataclass(frozen=True)
class Editor:
    """A command to which the file's name is added, and how it has to be run.

    `shared`: the file must be visible to other processes. `beside`: run it in the file's folder, because it writes rescue files
    where it stands (`ed.hup`). `behind`: what follows the name of the file. `remark`: what its owner should know.
    """

    command: tuple[str, ...]
    shared: bool = False
    beside: bool = False
    behind: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Spot:
    """Where in the text the editor begins, from 1."""

    line: int = 1
    column: int = 1


def choose_editor(at: Spot = Spot()) -> Editor:  # noqa: B008  (it is frozen)
    """The editor of $VISUAL or $EDITOR, else the machine's, beginning there; raises `ParaduxError` "editor" when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        wanted = os.environ.get(variable, "").strip()
        if wanted and not wanted.endswith("sensible-editor"):
            return _editor(_split(variable, wanted), at)
    for name in _DEFAULTS:
        if shutil.which(name):
            return _editor([name], at)
    raise ParaduxError("editor", "cannot edit: no editor was found", "set EDITOR, or use --file")


def _split(variable: str, text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError:
        raise ParaduxError("editor", f"cannot edit: {variable} is not a command", "check its quotes") from None


def _editor(words: list[str], at: Spot) -> Editor:
    program = shutil.which(words[0])
    if program is None:
        raise ParaduxError("editor", f"cannot edit: {words[0]} is not installed", "set EDITOR to an editor")
    name, family = Path(program).name, _family(program)
    waiting, remark = _waiting(name, words[1:])
    begin = () if at == Spot() else _AT.get(family or _OTHERS.get(name, name), ())
    begin = tuple(each.format(line=at.line, column=at.column) for each in begin)
    command = (str(Path(program).absolute()), *_OPTIONS.get(family, ()), *words[1:], *waiting, *begin)
    behind = f":{at.line}:{at.column}" if name in _BEHIND and at != Spot() else ""
    return Editor(command, name in _HAND_OVER, family == "ed", behind, remark)


def _waiting(name: str, words: Sequence[str]) -> tuple[tuple[str, ...], str]:
    """The option that lets an editor wait until the text was edited, where it is missing, and a sentence about that."""
    if never := [word for word in words if word in _NEVER_WAITS.get(name, ())]:
        hint = f"leave out {never[0]}"
        raise ParaduxError("editor", f"cannot edit: {name} {never[0]} ends before the text was edited", hint)
    options = _HAND_OVER.get(name, ())
    if not options or set(options) & set(words):
        return (), ""
    return options[:1], f"{name} gets {options[0]}, because it would end before the text was edited"


def _family(program: str) -> str:
    """Which editor this is, whatever link it was called by: `vim.basic` and `vim.tiny` are vim."""
    name = Path(program).resolve().name
    return _FAMILIES.get(name.split(".")[0].split("-")[0], "")


def edit(text: str, at: Spot = Spot(), tell: Callable[[str], None] = lambda _: None) -> str:  # noqa: B008  (it is frozen)
    """The text as the owner leaves it; raises `ParaduxError` "editor" when the editor failed or left nothing usable.

    It begins `at` a place; `tell` gets what the owner should know of the editor.
    """
    editor = choose_editor(at)
    if editor.remark:
        tell(editor.remark)
    with _interrupts_left_to_the_editor():
        reply = bounded_json.parse_object(_run(editor, text) or "{}", "the edited text", bounded_json.MEDIUM)
    edited = from_json_value(Edited, reply)
    if edited.text is None:
        why = edited.error or "the editor was killed"
        raise ParaduxError("editor", f"cannot edit: {why}; nothing changed", "try another EDITOR, or use --file")
    return edited.text


def _run(editor: Editor, text: str) -> bytes:
    """What `editor_sandbox.py` answers; nothing when it was killed."""
    order = EditOrder(text, tuple(editor.command), editor.shared, editor.beside, editor.behind)
    to_us, from_helper = os.pipe()
    to_helper, from_us = os.pipe()
    with open(to_us, "rb") as answer, open(from_us, "wb") as orders:  # noqa: PTH123 - descriptors
        # "-I": neither the folder we stand in nor PYTHON* variables decide what code sees the text.
        command = [
            sys.executable,
            "-I",
            "-m",
            "paraductl.editing.editor_sandbox",
            str(to_helper),
            str(from_helper),
            str(os.getpid()),
        ]
        helper = subprocess.Popen(command, pass_fds=(to_helper, from_helper))
        os.close(to_helper)
        os.close(from_helper)
        with contextlib.suppress(BrokenPipeError), orders:
            orders.write(json.dumps(to_json_value(order)).encode())
        reply = answer.read(bounded_json.MEDIUM.size)
    helper.wait()
    return reply


@contextlib.contextmanager
def _interrupts_left_to_the_editor() -> Iterator[None]:
    """Ctrl-C and Ctrl-\\ are keys of the editor while it runs, as with system(3)."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGQUIT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
