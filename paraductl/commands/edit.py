"""`paraductl edit`"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from paraductl.context import Context
from paraductl.editing.review import NAME, Brought, MovedError, Review
from paraductl.follow import follow, report
from paraductl.terminal.input_files import read_text, shown_name
from paraduxd.api import bounded_json
from paraduxd.api.calls import JsonObject
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.config import Preview, Saved

HELP = "change the config in an editor, then check, save and publish it"

EXAMPLES = (
    ("Change the config in your editor", "paraductl edit"),
    (
        "Take the new text from a file, as a script does",
        "paraductl --passphrase-file /root/passphrase edit --file family.json",
    ),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--file", metavar="FILE", help="take the new text from FILE (- is standard input), without questions"
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Get the new text, bring it in, report."""
    document = context.secret_call(lambda keeper: keeper.document())
    change = Change(context, document.serial)
    try:
        saved = change.make(document.text, arguments.file)
    except ParaduxError as error:
        if error.code != "unchanged":
            raise
        saved = None
    if saved is None:
        context.terminal.line("Nothing changed.")
        context.terminal.document({"unchanged": True, "serial": change.serial})
        return ExitCode.DONE
    return report_saved(context, saved)


@dataclass
class Change:
    """A new text that was made from the config with `serial`."""

    context: Context
    serial: int

    def make(self, text: str, file: str | None) -> Brought | None:
        """What came of it; `None` when the owner stopped; raises `ParaduxError` "unchanged" and others."""
        new = read_text(file) if file else _edited(text, self.context.terminal.note)
        if new == text:
            return None
        if not new.strip():
            raise ParaduxError("empty", "cannot save: the text is empty; nothing changed")
        ask = self.context.terminal.interactive and not file
        name = shown_name(file) if file else NAME
        return Review(self.context, ask, self._preview, self._save, name).bring_in(new)

    def _preview(self, text: str) -> Preview:
        return self.context.secret_call(lambda keeper: keeper.preview(text=text, serial=self.serial))

    def _save(self, text: str, hosts: Mapping[str, Sequence[str]]) -> Saved:
        try:
            return self.context.secret_call(
                lambda keeper: keeper.save(text=text, serial=self.serial, trust_hosts=hosts)
            )
        except ParaduxError as error:
            if error.code != "conflict":
                raise
            return self._resolve(text, error)

    def _resolve(self, text: str, conflict: ParaduxError) -> Saved:
        """Somebody has saved meanwhile. It was us when the connection broke before the answer came: then all is well."""
        current = self.context.secret_call(lambda keeper: keeper.document())
        carried = carry_over(text, current.text)
        if _parsed(carried) == _parsed(current.text):
            return Saved(current.serial)
        if not self.context.terminal.interactive:
            raise conflict
        old, self.serial = self.serial, current.serial
        raise MovedError(
            f"somebody else has saved the config: it has serial {self.serial}, yours was made from {old}",
            "what follows is what your text changes in theirs; nothing is saved yet",
            carried,
        )


def _edited(text: str, tell: Callable[[str], None]) -> str:
    from paraductl.editing.editor import edit

    return edit(text, tell=tell)


def _parsed(text: str) -> JsonObject:
    return bounded_json.parse_object(text, "the config", bounded_json.CONFIG)


def carry_over(text: str, current: str) -> str:
    """What the owner wrote, with the parts that saving sets itself as they are in `current`."""
    new = _parsed(current)
    generated = {key: new[key] for key in ("serial", "managed") if key in new}
    return json.dumps({**_parsed(text), **generated}, indent=2, ensure_ascii=False) + "\n"


def report_saved(context: Context, brought: Brought) -> ExitCode:
    """Follow what publishes the saved config; done when every metadata stash has it."""
    terminal, saved = context.terminal, brought.saved
    terminal.line(f"Saved as serial {saved.serial}.")
    runs = follow(context, saved.runs, lambda run: report(context, run))
    good = sum(run.state == "done" for run in runs)
    if runs:
        terminal.line(f"{good} of {len(runs)} metadata stashes have serial {saved.serial}.")
    context.say_locked()
    terminal.document(
        {**to_json_value(saved), "runs": runs, "changes": brought.preview.changes, "hosts": brought.preview.hosts}
    )
    if good == len(runs):
        return ExitCode.DONE
    terminal.failure(
        f"the config is saved, but only {good} of {len(runs)} metadata stashes have it",
        "it is tried again by itself; see: paraductl status",
    )
    return ExitCode.FAILED
