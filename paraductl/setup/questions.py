"""The questions of `paraductl setup`. They make a first config without a warning that could be avoided; all that is possible is in
docs/reference/config.md."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Collection, Sequence
from datetime import date

from paraductl.setup.dialogue import Check, Dialogue
from paraductl.setup.fate_questions import ACCOUNT, DEVICE, PERSON, PLACE, Fates
from paraductl.setup.place_questions import (
    DESTINATION,
    SOURCE,
    STASH,
    Answers,
    Forms,
    Place,
    Places,
    expanded,
    names_of,
)
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.config import ConfigProblem
from paraduxd.api.typed.contact_forms import is_email, is_phone

_INTRODUCTION = """\
A few questions make a first config. Nothing is saved before you have seen it and said yes. What you have answered is kept, except \
passwords: Ctrl-C leaves, and the next start goes on. < goes back to the question before, Tab \
completes names. Everything can be changed later with: paraductl edit"""

_OWNER = "1 of 5: You, and this machine"

_STEWARDS = """\
2 of 5: Stewards
People you trust, who each get a share of the key. Some of them together can open the config when you cannot; fewer learn nothing. \
Three to five, who live in different places and whom you have asked, is usual. Two is the least."""

_STASHES = """\
3 of 5: Where encrypted copies of the config are published
Two places outside your house that are not lost together, at least one of which your stewards can reach without you. Write each as one \
of these:"""

_KIT_ACCESS = """\
Stewards find the newest copy there if their kits say how. What is said next is printed in every kit: make a login that can read that \
folder, and can neither write there nor read anything else."""

_DATASETS = "4 of 5: What should be backed up? Write it as one of these:"

_DESTINATIONS = "Where should versions of {name} be kept? At least once outside your house. Write it as one of these:"

_NOTIFY = """\
5 of 5: Being told
Where should trouble be reported? An address as apprise writes it, like mailtos://fred:password@mail.example or ntfys://host/topic; \
tried with: paraductl notify --test"""

KEEP = {"last": 10, "hourly": 24, "daily": 7, "weekly": 4, "monthly": 12}
"""Of a destination, unless something else is said later."""

_DURATION = re.compile("[1-9][0-9]*[smhdw]")
_MOST = 16


def ask_for_answers(dialogue: Dialogue, forms: Forms) -> tuple[str, dict[str, list[str]]]:
    """The config as JSON text, without what Paradux generates, and the keys of the servers that were accepted.

    Raises `EOFError` and `KeyboardInterrupt` when the person leaves.
    """
    places = Places(dialogue, forms)

    def script(dialogue: Dialogue) -> str:
        text = _Setup(dialogue, places, Fates(dialogue)).config()
        _Looked(dialogue, forms, text).change_what_is_wrong()
        return text

    return dialogue.run(script), places.trusted()


def as_id(text: str, taken: Collection[str]) -> str:
    """A short name made from a longer one, unlike those that are taken."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32] or "x"
    candidates = (name if number == 1 else f"{name}-{number}" for number in range(1, 1000))
    return next(candidate for candidate in candidates if candidate not in taken)


@dataclass(frozen=True)
class _Setup:
    """One walk through all questions."""

    dialogue: Dialogue
    places: Places
    fates: Fates

    def config(self) -> str:
        """The text of the config."""
        self.dialogue.note(_INTRODUCTION)
        owner, home = self._owner()
        stewards = self._stewards(home)
        answers = {
            "version": 1,
            "owner": owner,
            "policy": {"shares_required": self._shares_required(len(stewards))},
            "stewards": stewards,
            "metadata_stashes": self._stashes(home),
            "datasets": self._datasets(home),
            "notify": self._notify(),
        }
        return (
            json.dumps({key: value for key, value in answers.items() if value != []}, indent=2, ensure_ascii=False)
            + "\n"
        )

    def _owner(self) -> tuple[Answers, list[str]]:
        """Who it is, and what this machine would be lost with."""
        self.dialogue.note(f"\n{_OWNER}")
        name = self.dialogue.ask("owner.name", "Your name")
        contact = self._contact("owner")
        place = self.fates.ask("owner.fate", "Where does this machine stand? A name for the place", ["place:house"])
        machine = f"{DEVICE}:{as_id(socket.gethostname().partition('.')[0], ())}"
        fate = [*place, *([] if machine in place else [self.fates.add(machine)])]
        return {"name": name, **contact, "fate": fate}, fate

    def _contact(self, key: str) -> dict[str, str]:
        email = _of_form(is_email, "that does not look like one: write it like name@example.org")
        phone = _of_form(is_phone, "that does not look like one: write it as it is dialled, like +1 555 123 4567")
        asked = {
            "email": self.dialogue.ask(f"{key}.email", "  E-mail address", optional=True, check=email),
            "phone": self.dialogue.ask(f"{key}.phone", "  Telephone number", optional=True, check=phone),
        }
        return {name: value for name, value in asked.items() if value}

    def _stewards(self, home: Sequence[str]) -> list[Answers]:
        self.dialogue.note(f"\n{_STEWARDS}")
        stewards: list[Answers] = []
        while len(stewards) < _MOST:
            key = f"stewards.{len(stewards) + 1}"
            text = f"Steward {len(stewards) + 1}, name"
            name = self.dialogue.ask(f"{key}.name", text, optional=len(stewards) >= 2)
            if not name:
                break
            known = set(names_of(stewards))
            stewards.append(self._steward(key, name, as_id(name.split()[0], known), home))
        return stewards

    def _steward(self, key: str, name: str, short: str, home: Sequence[str]) -> Answers:
        contact = self._contact(key)
        if not contact:
            text = "  Postal address; without any of these nobody can reach them in an emergency"
            address = self.dialogue.ask(f"{key}.postal", text, optional=True)
            contact = {"address": address} if address else {}
        fate = self.fates.ask(f"{key}.fate", f"  Where does {name} live? A name for the place", [f"{PLACE}:{short}"])
        if {label for label in fate if label.startswith(PLACE)} & set(home):
            self.dialogue.note("Note: that share is lost together with this machine; choose somebody elsewhere", "  ")
        agreed = self.dialogue.agrees(f"{key}.agreed", f"  Has {name} agreed to be a steward?")
        if not agreed:
            self.dialogue.note("Ask, then write the day as accepted_on with: paraductl edit", "  ")
        accepted = {"accepted_on": date.today().isoformat()} if agreed else {}
        return {"id": short, "name": name, **contact, **accepted, "fate": [*fate, self.fates.add(f"{PERSON}:{short}")]}

    def _shares_required(self, count: int) -> int:
        usual = max(2, count // 2 + 1)
        if count == 2:
            return usual
        numbers = [str(number) for number in range(2, count + 1)]
        answer = self.dialogue.ask(
            "policy.shares_required",
            f"How many of the {count} must come together?",
            default=str(usual),
            check=lambda typed: "" if typed in numbers else f"a number from 2 to {count}",
        )
        return int(answer)

    def _stashes(self, home: Sequence[str]) -> list[Answers]:
        self.dialogue.note(f"\n{_STASHES}")
        self.places.show_examples(STASH)
        stashes: list[Answers] = []
        while len(stashes) < _MOST:
            key = f"metadata_stashes.{len(stashes) + 1}"
            first = not stashes
            text = "Address or folder" if first else "Another address or folder"
            if len(stashes) == 1:
                self.dialogue.note("When this one is lost, only kits have copies: a second one elsewhere is better.")
            place = self.places.ask(key, text, STASH, optional=not first)
            if place is None:
                break
            name = as_id(_name_of(place), set(names_of(stashes)))
            fate = self._fate(key, name, place, home)
            stashes.append({"id": name, **place.answers, **self._kit_access(key, place), "fate": fate})
        return stashes

    def _fate(self, key: str, name: str, place: Place, home: Sequence[str]) -> list[str]:
        """What takes the place along."""
        kind = place.form.fate or PLACE
        usual = list(home) if not place.form.fate else [f"{kind}:{as_id(name, ())}"]
        what = {ACCOUNT: "With which account", DEVICE: "With what"}.get(kind, "With what place")
        return self.fates.ask(f"{key}.fate", f"  {what} would {name} be lost?", usual, kind)

    def _kit_access(self, key: str, place: Place) -> Answers:
        """How stewards may read at somebody else's place, with rights of their own; what is on this machine they cannot reach."""
        if place.form.here or "url" not in place.settings:
            return {}
        self.dialogue.note(_KIT_ACCESS, "  ")
        access = self.places.kit_access(key, "  Address with the login for stewards", place)
        return {"kit_access": access} if access else {}

    def _datasets(self, home: Sequence[str]) -> list[Answers]:
        self.dialogue.note(f"\n{_DATASETS}")
        self.places.show_examples(SOURCE)
        datasets: list[Answers] = []
        while True:
            key = f"datasets.{len(datasets) + 1}"
            text = "Folder or address" if not datasets else "Another folder or address"
            place = self.places.ask(key, text, SOURCE, optional=bool(datasets))
            if place is None:
                return datasets
            name = as_id(expanded(place.typed).rstrip("/").rpartition("/")[2], set(names_of(datasets)))
            source = {**place.answers, **self._every(f"{key}.pull", "look there for changes", "1h")}
            dataset: Answers = {"id": name, "source": source}
            if not place.form.here:
                source["fate"] = self._fate(key, _name_of(place), place, home)
                dataset["staging"] = self._staging(key, name)
            datasets.append({**dataset, "destinations": self._destinations(key, name, home)})

    def _staging(self, key: str, name: str) -> str:
        text = f"  Folder for the copy of {name} on this machine"
        return expanded(
            self.dialogue.ask(
                f"{key}.staging",
                text,
                default=f"/srv/paradux/{name}",
                paths=True,
                check=lambda typed: (
                    "" if expanded(typed).startswith("/") else "expected a whole path, like /srv/paradux"
                ),
            )
        )

    def _every(self, key: str, what: str, usual: str) -> dict[str, str]:
        expected = "expected a number and s, m, h, d or w, like 6h"
        answer = self.dialogue.ask(
            f"{key}.every",
            f"  How often should Paradux {what}?",
            default=usual,
            check=lambda typed: "" if _DURATION.fullmatch(typed) else expected,
        )
        return {"every": answer}

    def _destinations(self, dataset: str, name: str, home: Sequence[str]) -> list[Answers]:
        self.dialogue.note(_DESTINATIONS.format(name=name), "  ")
        self.places.show_examples(DESTINATION)
        destinations: list[Answers] = []
        common = set(home)
        while len(destinations) < _MOST:
            key = f"{dataset}.destinations.{len(destinations) + 1}"
            if destinations and common:
                self.dialogue.note("So far one loss takes every copy: name a place elsewhere, too.", "  ")
            text = "  Address or folder" if not destinations else "  Another address or folder"
            place = self.places.ask(key, text, DESTINATION, optional=bool(destinations))
            if place is None:
                break
            short = as_id(_name_of(place), {*names_of(destinations), "source", "staging"})
            every = self._every(key, "write there", place.form.every or "1d")
            fate = self._fate(key, short, place, home)
            common &= set(fate)
            destinations.append({"id": short, **place.answers, **every, "keep": KEEP, "fate": fate})
        return destinations

    def _notify(self) -> list[str]:
        self.dialogue.note(f"\n{_NOTIFY}")
        addresses: list[str] = []
        while typed := self.dialogue.ask(f"notify.{len(addresses) + 1}", "Address", optional=True, secret=True):
            addresses.append(typed)
        return addresses


@dataclass(frozen=True)
class _Looked:
    """What a check finds in the answers, where going back to each is one number away."""

    dialogue: Dialogue
    forms: Forms
    text: str

    def change_what_is_wrong(self) -> None:
        """Returns when nothing is found, or the person goes on with it."""
        self.dialogue.wait("Checking the answers ...")
        problems = self.forms.preview_setup(answers=self.text).problems
        self.dialogue.wait("")
        if not problems:
            return
        self.dialogue.note("\nThe check of all this says:")
        for number, problem in enumerate(problems, 1):
            hint = f" ({problem.hint})" if problem.hint else ""
            self.dialogue.note(f"{number}. {problem.level}: {problem.message}{hint}", "  ")
        text = "Number of what to change; Enter: go on with it as it is"
        answer = self.dialogue.ask("check", text, optional=True, check=_number_to(len(problems)))
        self.dialogue.kept.take("check")
        if answer:
            self.dialogue.change(_question_of(problems[int(answer) - 1]))


def _number_to(most: int) -> Check:
    return lambda typed: "" if typed.isdecimal() and 1 <= int(typed) <= most else f"a number from 1 to {most}"


def _question_of(problem: ConfigProblem) -> str:
    """How the names of the questions begin that a path of the config comes from: `datasets[0].destinations[1].fate`."""
    entries = re.findall(r"([a-z_]+)\[([0-9]+)\]", problem.path)
    if not entries:
        return problem.path.partition(".")[0]
    return ".".join(f"{name}.{int(number) + 1}" for name, number in entries)


def _of_form(fits: Callable[[str], bool], problem: str) -> Check:
    return lambda typed: "" if fits(typed) else problem


def _name_of(place: Place) -> str:
    """What a place may be called: its host, or the last folder."""
    typed = expanded(place.typed)
    if match := re.match(r"(?:[a-z0-9+]+:)+//(?:[^@/]*@)?([^/:]+)", typed):
        host = match[1]
        return host if host.replace(".", "").isdecimal() else host.split(".")[0]
    return typed.rstrip("/").rpartition("/")[2]
