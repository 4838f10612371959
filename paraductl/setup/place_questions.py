"""One place: its address, what its protocol asks, and whether the daemon can use it like that."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from paraductl.setup.dialogue import Dialogue
from paraductl.sudo import caller
from paraductl.terminal.input_files import read_text
from paraduxd.api import bounded_json
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.config import HostKeys, Preview
from paraduxd.api.replies.setup_forms import PlaceForm, PlaceForms, ProtocolForms, Question, Tried

Answers = dict[str, object]

SOURCE, DESTINATION, STASH = "source", "destination", "metadata stash"

_HOST = "hosts."


class Forms(Protocol):
    """What the daemon tells of its protocols (`KeeperCalls`); the client knows none."""

    def setup_protocols(self) -> ProtocolForms:
        """Every protocol that there is."""

    def setup_places(self, *, typed: str, role: str) -> PlaceForms:
        """How the place with this address can be used."""

    def setup_try(
        self,
        *,
        protocol: str,
        role: str,
        answers: str,
        encryption: str = "",
        access: str = "",
        trust_hosts: Mapping[str, Sequence[str]] = {},
    ) -> Tried:
        """Whether it can be used like that."""

    def preview_setup(self, *, answers: str) -> Preview:
        """What is wrong with the answers."""


@dataclass(frozen=True)
class Place:
    """A place as it was described; `settings` are the keys of its protocol, `raw` what was answered."""

    form: PlaceForm
    typed: str
    settings: Answers = field(repr=False)
    raw: Answers = field(repr=False)

    @property
    def answers(self) -> Answers:
        """As the config writes it."""
        encryption = {"encryption": self.form.encryption} if self.form.encryption else {}
        return {"protocol": self.form.protocol, **self.settings, **encryption}


@dataclass
class Places:
    """Asks for places. What the daemon has answered once is not asked again."""

    dialogue: Dialogue
    forms: Forms
    _known: dict[tuple[str, str], tuple[PlaceForm, ...]] = field(default_factory=dict)
    _tried: dict[str, Tried] = field(default_factory=dict, repr=False)
    _examples: list[str] = field(default_factory=list)

    def ask(self, key: str, text: str, role: str, *, optional: bool = False) -> Place | None:
        """A place that can be used, or that the person keeps all the same; `None`: no more of them."""
        typed = self.dialogue.ask(
            f"{key}.address", text, optional=optional, paths=True, check=lambda typed: self._unfit(typed, role)
        )
        if not typed:
            return None
        form = self._way(key, [form for form in self._forms(typed, role) if not form.problem])
        raw = {**form.settings, **self._asked(key, form)}
        return Place(form, typed, self._usable(key, form, role, raw), raw)

    def kit_access(self, key: str, text: str, place: Place) -> Answers | None:
        """How who holds a kit reads at a place; `None`: not at all."""
        key = f"{key}.kit"

        def unfit(typed: str) -> str:
            fitting = self._same_protocol(typed, place)
            return "" if fitting else f"expected an address of the same place: {place.form.title}"

        typed = self.dialogue.ask(f"{key}.address", text, optional=True, check=unfit)
        if not typed:
            return None
        form = self._same_protocol(typed, place)[0]
        access = {"url": form.settings["url"], **self._asked(key, form, only="credentials")}
        used = self._usable(key, form, STASH, place.raw, access)
        return {name: value for name, value in used.items() if value}

    def trusted(self) -> dict[str, list[str]]:
        """The keys of the servers that were accepted."""
        kept = self.dialogue.kept.answers.items()
        return {key.removeprefix(_HOST): lines.split("\n") for key, lines in kept if key.startswith(_HOST)}

    def show_examples(self, role: str) -> None:
        """What addresses look like that can be typed, those that encrypt by themselves first."""
        fitting = [form for form in self.forms.setup_protocols().protocols if role in form.roles]
        for form in sorted(fitting, key=lambda form: not form.encrypts):
            self.dialogue.note(f"{form.title}: {form.example}", "    ")

    def _forms(self, typed: str, role: str) -> tuple[PlaceForm, ...]:
        asked = (expanded(typed), role)
        if asked not in self._known:
            self._known[asked] = self.forms.setup_places(typed=asked[0], role=role).places
        return self._known[asked]

    def _unfit(self, typed: str, role: str) -> str:
        found = self._forms(typed, role)
        if not found:
            return f"no protocol takes this address as a {role}; write it like one of the examples"
        return "" if any(not form.problem for form in found) else found[0].problem

    def _same_protocol(self, typed: str, place: Place) -> list[PlaceForm]:
        found = self._forms(typed, STASH)
        return [form for form in found if form.protocol == place.form.protocol and not form.problem]

    def _way(self, key: str, usable: Sequence[PlaceForm]) -> PlaceForm:
        """The one way to use it, or the one that is chosen."""
        form = usable[0]
        if len(usable) > 1:
            form = usable[self.dialogue.choose(f"{key}.way", "How should it be used?", [*map(_title, usable)])]
        if form.warning:
            self.dialogue.note(f"Note: {form.warning}", "  ")
        return form

    def _asked(self, key: str, form: PlaceForm, only: str = "") -> Answers:
        """What the protocol wants to know besides the address."""
        answers: Answers = {}
        known: set[str] = set()
        for question in form.questions:
            if not question.key.startswith(only) or question.unless in known:
                continue
            value = self._pairs(key, question) if question.pairs else self._answer(key, question)
            if value:
                known.add(question.key)
                _put(answers, question.key, value)
        return answers

    def _answer(self, key: str, question: Question) -> str:
        """What the person says, or what the file holds that they name."""
        text = f"{question.text}, like {question.example}" if question.example else question.text
        answer = self.dialogue.ask(
            f"{key}.{question.key}",
            text,
            optional=not question.required,
            hidden=question.secret and not question.from_file,
            paths=question.from_file,
            check=_unreadable if question.from_file else lambda _: "",
        )
        return read_text(expanded(answer)) if answer and question.from_file else answer

    def _pairs(self, key: str, question: Question) -> dict[str, str]:
        pairs: dict[str, str] = {}
        for number in range(1, 100):
            name, value = self._pair(f"{key}.{question.key}.{number}", question)
            if not name:
                break
            pairs[name] = value
        return pairs

    def _pair(self, key: str, question: Question) -> tuple[str, str]:
        if not question.secret:
            text = f"{question.text}, as NAME=VALUE"
            answer = self.dialogue.ask(
                key, text, optional=True, check=lambda typed: "" if "=" in typed else "NAME=VALUE"
            )
            name, _, value = answer.partition("=")
            return name.strip(), value.strip()
        name = self.dialogue.ask(f"{key}.name", f"{question.text} (its name)", optional=True)
        return name, self.dialogue.ask(f"{key}.value", f"Value of {name}", hidden=True) if name else ""

    def _usable(self, key: str, form: PlaceForm, role: str, raw: Answers, access: Answers | None = None) -> Answers:
        """The keys of the config, once the place was tried, unless the person keeps it as it is."""
        request = json.dumps([form.protocol, role, form.encryption, raw, access])
        if request not in self._tried:
            self._tried[request] = self._try(key, form, role, json.dumps(raw), json.dumps(access) if access else "")
        return dict(bounded_json.parse_object(self._tried[request].settings, "the settings", bounded_json.CONFIG))

    def _try(self, key: str, form: PlaceForm, role: str, raw: str, access: str) -> Tried:
        while True:
            self.dialogue.wait("Trying it ...")
            tried = self.forms.setup_try(
                protocol=form.protocol,
                role=role,
                answers=raw,
                encryption=form.encryption,
                access=access,
                trust_hosts=self.trusted(),
            )
            self.dialogue.wait("")
            if tried.hosts and all(self._accepts(name, host) for name, host in tried.hosts.items()):
                continue
            if not tried.hosts and not tried.problem:
                for note in tried.notes or ("it works",):
                    self.dialogue.say(note, "  ")
                return tried
            self._say_problem(tried)
            letter = self.dialogue.at_once("[t]ry again, [c]hange the answers, or [k]eep it untried", "tck")
            if letter == "c":
                self.dialogue.change(key)
            if letter == "k":
                return tried

    def _say_problem(self, tried: Tried) -> None:
        if tried.hosts:
            self.dialogue.say("nothing was sent to a server that you do not trust", "  ")
        else:
            self.dialogue.say(tried.problem, "  ")
            if tried.hint:
                self.dialogue.say(tried.hint, "    ")

    def _accepts(self, name: str, host: HostKeys) -> bool:
        self.dialogue.note(f"{name} shows these fingerprints; compare them with what its owner says:", "  ")
        for fingerprint in host.fingerprints:
            self.dialogue.note(fingerprint, "    ")
        if self.dialogue.at_once("Trust it from now on? [y]es, [n]o", "yn") != "y":
            return False
        self.dialogue.kept.put(_HOST + name, "\n".join(host.keys))
        return True


def expanded(typed: str) -> str:
    """A path with ~, or one from the present folder, as a whole path; anything else as it is."""
    if typed.startswith("~"):
        uid = caller()
        if uid is not None and (typed == "~" or typed.startswith("~/")):
            return pwd.getpwuid(uid).pw_dir + typed[1:]
        return os.path.expanduser(typed)  # noqa: PTH111  (an unknown user is no error)
    if typed in (".", "..") or typed.startswith(("./", "../")) or (":" not in typed and Path(typed).exists()):
        return str(Path(typed).absolute())
    return typed


def _title(form: PlaceForm) -> str:
    return f"{form.title}, as encrypted archives" if form.encryption else form.title


def _unreadable(typed: str) -> str:
    try:
        read_text(expanded(typed))
    except ParaduxError as problem:
        return problem.message
    return ""


def _put(answers: Answers, key: str, value: object) -> None:
    """Put a value at a key like "credentials.password", beside what stands there."""
    first, _, rest = key.partition(".")
    there = answers.get(first)
    inner = dict(there) if isinstance(there, dict) else {}
    if rest:
        _put(inner, rest, value)
        answers[first] = inner
    else:
        answers[first] = {**inner, **value} if isinstance(value, dict) else value


def names_of(answers: Sequence[Answers]) -> Iterator[str]:
    """The ids that are taken."""
    yield from (str(each["id"]) for each in answers)
