"""`paraductl setup`"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING

from paraductl.commands.edit import report_saved
from paraductl.context import Context
from paraductl.editing.review import NAME, Review
from paraductl.terminal.input_files import read_text, shown_name
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import Preview, Saved

if TYPE_CHECKING:
    from paraductl.setup.kept_answers import KeptAnswers

_KEPT = "your answers are kept, except passwords; to go on: paraductl setup"

HELP = "create the config, the keys and the shares, and publish the config"

EXAMPLES = (
    ("Answer the questions", "paraductl setup"),
    ("Set up from a file", "paraductl --passphrase-file passphrase setup --answers answers.json"),
)


def options(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--answers",
        metavar="FILE",
        help="a config without `managed` and `serial` (- is standard input) instead of the questions;"
        " --passphrase-file then gives the new passphrase",
    )


def run(context: Context, arguments: argparse.Namespace) -> int:
    """Get answers and passphrase, bring them in, report."""
    if context.hello().vault:
        raise ParaduxError(
            "already-set-up",
            "cannot set up: there is a config already",
            "change it with: paraductl edit; if it does not open: paraductl recover",
        )
    ask = context.terminal.interactive and not arguments.answers
    found = Found(read_text(arguments.answers)) if arguments.answers else _ask(context)
    making = Making(context)
    name = shown_name(arguments.answers) if arguments.answers else NAME
    saved = Review(context, ask, making.preview, making.store, name, found.hosts).bring_in(found.answers)
    if saved is None:
        context.terminal.line("Nothing was set up." + (f" {_KEPT}" if found.kept else ""))
        return ExitCode.FAILED
    if found.kept:
        found.kept.remove()
    code = report_saved(context, saved)
    context.terminal.line("Next, copy everything for the first time: paraductl backup")
    context.terminal.line("Then, with a stick for each steward at hand: paraductl create-steward-device --all")
    return code


@dataclass(frozen=True)
class Found:
    """The config as text; of a dialogue besides the hosts that were accepted in it, and where its answers are kept."""

    answers: str = field(repr=False)
    hosts: Mapping[str, Sequence[str]] = field(default_factory=dict)
    kept: KeptAnswers | None = None


class Making:
    """The keeper's side of a setup; the passphrase is asked for once, when all the rest is decided."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._passphrase: str | None = None

    def preview(self, answers: str) -> Preview:
        """What is wrong with the answers, and which hosts are new."""
        return self._context.keeper().preview_setup(answers=answers)

    def store(self, answers: str, hosts: Mapping[str, Sequence[str]]) -> Saved:
        """Make it all."""
        if self._passphrase is None:
            self._passphrase = self._context.passphrases.new()
        return self._context.keeper().setup(answers=answers, passphrase=self._passphrase, trust_hosts=hosts)


def _ask(context: Context) -> Found:
    if not context.terminal.interactive:
        raise ParaduxError("no-terminal", "cannot ask questions: there is no terminal", "use --answers FILE")
    from paraductl.setup.dialogue import Dialogue
    from paraductl.setup.prompts import prompts_for
    from paraductl.setup.questions import ask_for_answers

    context.terminal.progress("Asking the daemon ...")
    try:
        kept = _kept_answers(context)
        answers, hosts = ask_for_answers(Dialogue(prompts_for(context.terminal), kept), context.keeper())
    except (EOFError, KeyboardInterrupt):
        raise ParaduxError("interrupted", "interrupted; nothing was set up", _KEPT) from None
    return Found(answers, hosts, kept)


def _kept_answers(context: Context) -> KeptAnswers:
    """Those of an earlier start, if the person wants to go on with them."""
    from paraductl.setup import kept_answers

    file = kept_answers.usual_place()
    found = kept_answers.earlier(file)
    if found and found.answers:
        context.terminal.note(f"Answers of {kept_answers.when(file)} are kept, without passwords.")
        if context.terminal.choose("[g]o on with them, or [s]tart anew:", "gs") == "g":
            return found
    return kept_answers.KeptAnswers(file)
