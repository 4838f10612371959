"""The questions of `paraductl setup`. They make a first, plain config; all that is possible is in docs/reference/config.md."""

from __future__ import annotations

import json
import re
import shutil
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from paraductl.terminal.input_files import read_text
from paraductl.terminal.terminal import Terminal
from paraduxd.api.contact_forms import is_email, is_phone
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.setup_forms import PlaceForm, PlaceForms, ProtocolForms, Question

Answers = dict[str, object]

_INTRODUCTION = """\
A few questions make a first config. Nothing is saved before you have seen it and said yes; what is asked for in brackets can be left
out, and everything can be changed later with: paraductl edit"""

_STEWARDS = """\
Stewards: people you trust, who each get a share of the key. Some of them together can open the config when you cannot; fewer learn
nothing. Three to five, who live in different places and whom you have asked, is usual. Two is the least."""

_STASHES = """\
Where should encrypted copies of the config be published? At least one place outside your house that your stewards can reach without
you."""

_KIT_ACCESS = """\
  Stewards find the newest copy there if their kits say how. What is said next is printed in every kit: make a login that can read
  that folder, and can neither write there nor read anything else."""

_NO_KIT_ACCESS = """\
No kit will name a published copy: stewards will have only the one that is on their kits. Add kit_access to a stash with: paraductl edit"""

_DATASETS = "What should be backed up?"

_DESTINATIONS = "  Where should versions of it be kept?"

_SOURCE, _DESTINATION, _STASH = "source", "destination", "metadata stash"


class Forms(Protocol):
    """What the daemon tells of its protocols (`KeeperCalls`); the client knows none."""

    def setup_protocols(self) -> ProtocolForms:
        """Every protocol that there is."""

    def setup_places(self, *, typed: str, role: str) -> PlaceForms:
        """How the place with this address can be used."""


def ask_for_answers(terminal: Terminal, forms: Forms) -> str:
    """The config as JSON text, without what Paradux generates; raises `EOFError` when the person is gone."""
    _note(terminal, _INTRODUCTION)
    owner = {"name": _needed(terminal, "Your name:"), **_contact(terminal)}
    stewards = _stewards(terminal)
    answers: Answers = {
        "version": 1,
        "owner": owner,
        "policy": {"shares_required": _shares_required(terminal, len(stewards))},
        "stewards": stewards,
        "metadata_stashes": _metadata_stashes(terminal, forms),
        "datasets": _datasets(terminal, forms),
    }
    return json.dumps(answers, indent=2, ensure_ascii=False) + "\n"


def as_id(text: str, taken: set[str]) -> str:
    """A short name made from a longer one, unlike those that are taken."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32] or "x"
    candidates = (name if number == 1 else f"{name}-{number}" for number in range(1, 1000))
    return next(candidate for candidate in candidates if candidate not in taken)


def _contact(terminal: Terminal) -> dict[str, str]:
    asked = {
        "email": _of_form(terminal, "  [E-mail address:]", is_email, "like name@example.org"),
        "phone": _of_form(terminal, "  [Telephone number:]", is_phone, "as it is dialled, like +1 555 123 4567"),
    }
    return {key: value for key, value in asked.items() if value}


def _of_form(terminal: Terminal, question: str, fits: Callable[[str], bool], form: str) -> str:
    while (answer := terminal.ask(question)) and not fits(answer):
        terminal.note(f"  that does not look like one: write it {form}, or nothing")
    return answer


def _stewards(terminal: Terminal) -> list[Answers]:
    terminal.note("")
    _note(terminal, _STEWARDS)
    stewards: list[Answers] = []
    while len(stewards) < 16:
        number = f"Steward {len(stewards) + 1}, name"
        name = _needed(terminal, f"{number}:") if len(stewards) < 2 else terminal.ask(f"[{number}; Enter: no more]")
        if not name:
            break
        known = {str(steward["id"]) for steward in stewards}
        contact = _contact(terminal)
        if not contact:
            terminal.note(f"  without either of them nobody finds {name} on the worst day; add it with: paraductl edit")
        stewards.append({"id": as_id(name.split()[0], known), "name": name, **contact})
    return stewards


def _shares_required(terminal: Terminal, count: int) -> int:
    usual = max(2, count // 2 + 1)
    while count > 2:
        answer = terminal.ask(f"How many of the {count} must come together? [{usual}]") or str(usual)
        if answer.isdecimal() and 2 <= int(answer) <= count:
            return int(answer)
        terminal.note(f"a number from 2 to {count}")
    return usual


def _metadata_stashes(terminal: Terminal, forms: Forms) -> list[Answers]:
    terminal.note("")
    _note(terminal, _STASHES)
    _show_examples(terminal, forms, _STASH)
    stashes: list[Answers] = []
    while True:
        typed = _needed(terminal, "Address:") if not stashes else terminal.ask("[Another address; Enter: no more]")
        if not typed:
            if not any("kit_access" in stash for stash in stashes):
                _note(terminal, _NO_KIT_ACCESS)
            return stashes
        if place := _described(terminal, forms, typed, _STASH):
            name = as_id(_name_of(typed), {str(stash["id"]) for stash in stashes})
            stashes.append({"id": name, **place.answers, **_kit_access(terminal, forms, place)})


def _kit_access(terminal: Terminal, forms: Forms, place: _Place) -> Answers:
    """How stewards may read at somebody else's place, with rights of their own; what is on this machine they cannot reach."""
    if place.form.here or "url" not in place.answers:
        return {}
    _note(terminal, _KIT_ACCESS, "  ")
    while typed := terminal.ask("  [Address with the login for stewards; Enter: none yet]"):
        reader = _described(terminal, forms, typed, _STASH, only="credentials.")
        if reader and reader.answers["protocol"] == place.answers["protocol"] and "url" in reader.answers:
            access = {"url": reader.answers["url"], "credentials": reader.answers.get("credentials")}
            return {"kit_access": {key: value for key, value in access.items() if value}}
        terminal.note(f"  it must be an address of the same place, of the protocol {place.answers['protocol']}")
    return {}


def _datasets(terminal: Terminal, forms: Forms) -> list[Answers]:
    terminal.note("")
    _note(terminal, _DATASETS)
    _show_examples(terminal, forms, _SOURCE)
    datasets: list[Answers] = []
    while typed := terminal.ask("[Folder or address; Enter: no more]"):
        place = _described(terminal, forms, typed, _SOURCE)
        if place is None:
            continue
        name = as_id(typed.rstrip("/").rpartition("/")[2], {str(dataset["id"]) for dataset in datasets})
        dataset: Answers = {"id": name, "source": {**place.answers, "every": "1h"}}
        if not place.form.here:
            dataset["staging"] = terminal.ask(f"  Folder for the copy of {name} on this machine:")
        datasets.append({**dataset, "destinations": _destinations(terminal, forms)})
    return datasets


def _destinations(terminal: Terminal, forms: Forms) -> list[Answers]:
    terminal.note(_DESTINATIONS)
    _show_examples(terminal, forms, _DESTINATION)
    destinations: list[Answers] = []
    while typed := terminal.ask("  [Address; Enter: no more]"):
        if place := _described(terminal, forms, typed, _DESTINATION):
            name = as_id(_name_of(typed), {str(destination["id"]) for destination in destinations})
            keep = {"daily": 7, "weekly": 4, "monthly": 12}
            destinations.append({"id": name, **place.answers, "every": "1d", "keep": keep})
    return destinations


@dataclass(frozen=True)
class _Place:
    """A place with all that was asked about it, and how it is used."""

    form: PlaceForm
    answers: Answers


def _described(terminal: Terminal, forms: Forms, typed: str, role: str, only: str = "") -> _Place | None:
    """The place as the config writes it, in the most private of the ways to use it; `None`: nothing takes this address.

    `only`: nothing is asked but what begins so.
    """
    found = forms.setup_places(typed=typed, role=role).places
    if not found:
        terminal.note(f"  no protocol takes this address as a {role}; these are such addresses:")
        _show_examples(terminal, forms, role)
        return None
    form = found[0]
    if form.problem:
        terminal.note(f"  {form.problem}")
        return None
    terminal.note(f"  {form.title} (protocol {form.protocol})")
    answers: Answers = {"protocol": form.protocol, **form.settings}
    if form.encryption:
        answers["encryption"] = form.encryption
    asked: set[str] = set()
    for question in form.questions:
        if question.key.startswith(only) and question.unless not in asked and (answer := _answer(terminal, question)):
            asked.add(question.key)
            _put(answers, question.key, answer)
    return _Place(form, answers)


def _answer(terminal: Terminal, question: Question) -> str:
    """What the person says, or what the file holds that they name; "": it is left out."""
    example = f", like {question.example}" if question.example else ""
    text = question.text + example
    shown = f"  {text}:" if question.required else f"  [{text}; Enter: none]"
    while True:
        answer = (
            terminal.ask_secret(f"{shown} (not shown)")
            if question.secret and not question.from_file
            else terminal.ask(shown)
        )
        if answer and question.from_file:
            try:
                return read_text(str(Path(answer).expanduser()))
            except ParaduxError as problem:
                terminal.note(f"  {problem.message}")
                continue
        if answer or not question.required:
            return answer
        terminal.note("  this is needed")


def _put(answers: Answers, key: str, value: str) -> None:
    *path, last = key.split(".")
    for part in path:
        inner = answers.setdefault(part, {})
        answers = inner if isinstance(inner, dict) else {}
    answers[last] = value


def _show_examples(terminal: Terminal, forms: Forms, role: str) -> None:
    """What addresses look like that can be typed, those that encrypt by themselves first."""
    fitting = [form for form in forms.setup_protocols().protocols if role in form.roles]
    for form in sorted(fitting, key=lambda form: not form.encrypts):
        _note(terminal, f"  {form.title}: {form.example}", "    ")


def _note(terminal: Terminal, text: str, indent: str = "") -> None:
    """A paragraph, as wide as the terminal."""
    width = min(max(shutil.get_terminal_size().columns, 40), 120) - 1
    terminal.note("\n".join(textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False)))


def _name_of(address: str) -> str:
    """What an address may be called: its host, or the last folder."""
    if match := re.match(r"[a-z0-9+]+://(?:[^@/]*@)?([^/:]+)", address):
        return match[1].split(".")[0]
    return address.rstrip("/").rpartition("/")[2]


def _needed(terminal: Terminal, question: str) -> str:
    while not (answer := terminal.ask(question)):
        terminal.note("a value is required")
    return answer
