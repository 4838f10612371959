"""From an edited text to a saved config: problems, changes and new hosts are shown, and the owner decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from paraductl.context import Context
from paraductl.editing.editor import Spot, edit
from paraductl.editing.key_files import with_keys
from paraductl.terminal.terminal import Terminal
from paraduxd.api import phrases
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.config import ConfigProblem, HostKeys, Preview, Saved

NAME = "paradux.json"
"""What the text is called that comes from the editor."""

_AGAIN = "[e]dit again or [a]bort:"

_FINAL = {"editor", "saved-not-applied", "unchanged", "not-allowed", "no-vault", "already-set-up"}
"""Failures that another look at the text cannot mend."""


class MovedError(ParaduxError):
    """Somebody else has saved meanwhile; `text` is the owner's, carried over to what is stored now."""

    def __init__(self, message: str, hint: str, text: str) -> None:
        super().__init__("conflict", message, hint)
        self.text = text


@dataclass(frozen=True)
class Brought:
    """What a text has come to: saved, after this was shown."""

    saved: Saved
    preview: Preview


@dataclass
class Review:
    """One text on its way into the vault.

    `preview` and `store` are the keeper's calls; `ask`: somebody is there to answer. Without questions, new hosts are
    trusted at this first contact, and their fingerprints are printed. `file` is what problems call the text; `accepted` are the keys of
    hosts that the owner has accepted already.
    """

    context: Context
    ask: bool
    preview: Callable[[str], Preview]
    store: Callable[[str, Mapping[str, Sequence[str]]], Saved]
    file: str
    accepted: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def bring_in(self, text: str) -> Brought | None:
        """What came of it; `None` when the owner stopped. An error never loses the text."""
        while True:
            at = Spot()
            try:
                seen = self._shown(text)
                decision = self._decide("Save this? [y]es, [e]dit again, [a]bort:", "yea")
                if decision == "y":
                    return Brought(self.store(with_keys(text), self._trusted(seen.hosts)), seen)
            except MovedError as moved:
                self.context.terminal.failure(moved.message, moved.hint)
                text = moved.text
                continue
            except ParaduxError as error:
                if not self.ask or error.code in _FINAL:
                    raise
                self.context.terminal.failure(error.message, error.hint)
                at = first_error(error.details)
                decision = self._decide(_AGAIN, "ea")
            if decision == "a":
                return None
            text = edit(text, at, self.context.terminal.note)

    def _shown(self, text: str) -> Preview:
        """The preview, after what it says was printed; raises `ParaduxError` "invalid-config" when the text has errors."""
        seen = self.preview(with_keys(text))
        errors = [problem for problem in seen.problems if problem.level == "error"]
        if seen.unchanged and not seen.hosts:
            raise ParaduxError("unchanged", "nothing changed", exit_code=ExitCode.DONE)
        show_problems(self.context.terminal, seen.problems, self.file)
        if errors:
            raise invalid(seen.problems)
        for sentence in seen.changes:
            self.context.terminal.line(f"  {sentence}")
        return seen

    def _decide(self, question: str, choices: str) -> str:
        return self.context.terminal.choose(question, choices) if self.ask else "y"

    def _trusted(self, hosts: Mapping[str, HostKeys]) -> dict[str, Sequence[str]]:
        """The keys of the hosts that are trusted from now on."""
        return {name: host.keys for name, host in hosts.items() if self._trusts(name, host)}

    def _trusts(self, name: str, host: HostKeys) -> bool:
        terminal = self.context.terminal
        if host.keys and sorted(host.keys) == sorted(self.accepted.get(name, ())):
            return True
        if not host.keys:
            terminal.note(
                f"{name} did not show its key: {host.error or 'no answer'}; nothing is sent there until it does"
            )
            return False
        fingerprints = "\n".join(f"    {fingerprint}" for fingerprint in host.fingerprints)
        if not self.ask:
            terminal.note(f"Trusting {name} from now on, at this first contact:\n{fingerprints}")
            return True
        terminal.note(
            f"{name} is not known yet. It shows these fingerprints; compare them with its owner's:\n{fingerprints}"
        )
        return terminal.choose("Trust it from now on? [y]es, [n]o:", "yn") == "y"


def first_error(problems: Sequence[Mapping[str, object]]) -> Spot:
    """Where the first error is; the start of the text without one."""
    for problem in problems:
        line, column = problem.get("line"), problem.get("column")
        if problem.get("level") == "error" and isinstance(line, int) and isinstance(column, int):
            return Spot(max(1, line), max(1, column))
    return Spot()


def invalid(problems: Sequence[ConfigProblem]) -> ParaduxError:
    """The error for a text with errors."""
    count = sum(problem.level == "error" for problem in problems)
    return ParaduxError(
        "invalid-config",
        f"cannot save the config: it has {phrases.count(count, 'error')}; nothing changed",
        "correct what is listed",
        ExitCode.INVALID_CONFIG,
        tuple(to_json_value(problem) for problem in problems),
    )


def show_problems(terminal: Terminal, problems: Sequence[ConfigProblem], file: str) -> None:
    """One line each, as compilers write them, so that editors can jump there: errors first; then how many there are.

    On a small terminal nothing pushes the first error off the screen: the warnings, and the errors for which there is no room, are
    counted and shown once those before them are corrected.
    """
    errors = [sentence(each, file) for each in problems if not _is_warning(each)]
    warnings = [sentence(each, file) for each in problems if _is_warning(each)]
    shown, counts = [*errors, *warnings], _counts(problems)
    if errors and not terminal.has_room_for([*shown, counts, *_afterwards(problems)]):
        shown = list(_roomy(terminal, errors, problems))
        counts = _held_back(len(errors) - len(shown), len(shown), len(warnings))
    for line in shown:
        terminal.note(line)
    if len(problems) > 1:
        terminal.note(counts)


def _roomy(terminal: Terminal, errors: Sequence[str], problems: Sequence[ConfigProblem]) -> Sequence[str]:
    """As many of the errors as can be seen at once with what follows; at least one."""
    last = [_held_back(len(errors), len(errors), len(problems)), *_afterwards(problems)]
    fitting = (end for end in range(len(errors), 1, -1) if terminal.has_room_for([*errors[:end], *last]))
    return errors[: next(fitting, 1)]


def _afterwards(problems: Sequence[ConfigProblem]) -> tuple[str, ...]:
    """What is printed after the problems: why nothing was saved, and what to do now."""
    error = invalid(problems)
    return f"paraductl: {error.message}", f"  {error.hint}", _AGAIN


def _counts(problems: Sequence[ConfigProblem]) -> str:
    warnings = sum(map(_is_warning, problems))
    counts = ((len(problems) - warnings, "error"), (warnings, "warning"))
    return ", ".join(phrases.count(number, word) for number, word in counts if number)


def _held_back(errors: int, before: int, warnings: int) -> str:
    """How many are not shown, for want of room."""
    told = [phrases.count(before, "error")]
    if errors:
        told.append(f"shown once {'it is' if before == 1 else 'they are'} corrected: {errors} more")
    if warnings:
        told.append(f"shown once there is no error: {phrases.count(warnings, 'warning')}")
    return "; ".join(told)


def _is_warning(problem: ConfigProblem) -> bool:
    return problem.level != "error"


def sentence(problem: ConfigProblem, file: str) -> str:
    """`FILE:LINE:COLUMN: error: PATH: MESSAGE (HINT)`"""
    path = f"{problem.path}: " if problem.path else ""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{file}:{problem.line}:{problem.column}: {problem.level}: {path}{problem.message}{hint}"
