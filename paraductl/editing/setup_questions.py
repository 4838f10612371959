"""The questions of `paraductl setup`. They make a first, plain config; all that is possible is in docs/reference/config.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from paraductl.terminal.terminal import Terminal

Answers = dict[str, Any]

_INTRODUCTION = """\
A few questions make a first config. Nothing is saved before you have seen it and said yes; what is asked for in brackets can be left
out, and everything can be changed later with: paraductl edit"""

_STEWARDS = """
Stewards: people you trust, who each get a share of the key. Some of them together can open the config when you cannot; fewer learn
nothing. Three to five, who live in different places and whom you have asked, is usual. Two is the least."""

_STASHES = """
Where should encrypted copies of the config be published? At least one place outside your house that your stewards can reach without
you: sftp://user@host/folder, s3://bucket/folder, or a folder like /media/disk/paradux."""

_DATASETS = """
What should be backed up? A folder of this machine, or rsync+ssh://user@host/folder."""


def ask_for_answers(terminal: Terminal) -> str:
    """The config as JSON text, without what Paradux generates; raises `EOFError` when the person is gone."""
    terminal.note(_INTRODUCTION)
    owner = {"name": _needed(terminal, "Your name:"), **_contact(terminal)}
    stewards = _stewards(terminal)
    answers: Answers = {
        "version": 1,
        "owner": owner,
        "policy": {"shares_required": _shares_required(terminal, len(stewards))},
        "stewards": stewards,
        "metadata_stashes": _metadata_stashes(terminal),
        "datasets": _datasets(terminal),
    }
    return json.dumps(answers, indent=2, ensure_ascii=False) + "\n"


def protocol_of(address: str) -> str:
    """The protocol that talks to an address, by its scheme."""
    scheme = address.partition(":")[0]
    return {"file": "disk", "rsync+ssh": "rsync", "rsync": "rsync", "ftps": "ftp"}.get(scheme, scheme)


def as_address(text: str) -> str:
    """An address as the config writes it; a folder becomes a `file://` one."""
    return Path(text).as_uri() if text.startswith("/") else text


def as_repository(text: str) -> str:
    """An address as restic writes it."""
    if match := re.fullmatch(r"sftp://([^/]+)(/.*)", text):
        # With a port, restic wants the URL form, in which a second slash makes the path absolute.
        return f"sftp:{match[1]}:{match[2]}" if ":" not in match[1] else f"sftp://{match[1]}/{match[2]}"
    if match := re.fullmatch(r"s3://(.+)", text):
        return f"s3:s3.amazonaws.com/{match[1]}"
    return text


def as_id(text: str, taken: set[str]) -> str:
    """A short name made from a longer one, unlike those that are taken."""
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32] or "x"
    candidates = (name if number == 1 else f"{name}-{number}" for number in range(1, 1000))
    return next(candidate for candidate in candidates if candidate not in taken)


def _contact(terminal: Terminal) -> dict[str, str]:
    asked = {"email": terminal.ask("  [E-mail address:]"), "phone": terminal.ask("  [Telephone number:]")}
    return {key: value for key, value in asked.items() if value}


def _stewards(terminal: Terminal) -> list[Answers]:
    terminal.note(_STEWARDS)
    stewards: list[Answers] = []
    while len(stewards) < 16:
        number = f"Steward {len(stewards) + 1}, name"
        name = _needed(terminal, f"{number}:") if len(stewards) < 2 else terminal.ask(f"[{number}; Enter: no more]")
        if not name:
            break
        known = {steward["id"] for steward in stewards}
        stewards.append({"id": as_id(name.split()[0], known), "name": name, **_contact(terminal)})
    return stewards


def _shares_required(terminal: Terminal, count: int) -> int:
    usual = max(2, count // 2 + 1)
    while count > 2:
        answer = terminal.ask(f"How many of the {count} must come together? [{usual}]") or str(usual)
        if answer.isdecimal() and 2 <= int(answer) <= count:
            return int(answer)
        terminal.note(f"a number from 2 to {count}")
    return usual


def _metadata_stashes(terminal: Terminal) -> list[Answers]:
    terminal.note(_STASHES)
    stashes: list[Answers] = []
    while True:
        text = _needed(terminal, "Address:") if not stashes else terminal.ask("[Another address; Enter: no more]")
        if not text:
            return stashes
        address = as_address(text)
        known = {stash["id"] for stash in stashes}
        stash = {"id": as_id(_place(address), known), "protocol": protocol_of(address), "url": address}
        stashes.append({**stash, **_password(terminal, address)})


def _datasets(terminal: Terminal) -> list[Answers]:
    terminal.note(_DATASETS)
    datasets: list[Answers] = []
    while text := terminal.ask("[Folder or address; Enter: no more]"):
        address = as_address(text)
        name = as_id(text.rstrip("/").rpartition("/")[2], {dataset["id"] for dataset in datasets})
        dataset: Answers = {"id": name, "source": {"protocol": protocol_of(address), "url": address, "every": "1h"}}
        if not text.startswith("/"):
            dataset["staging"] = terminal.ask(f"  Folder for the copy of {name} on this machine:")
        datasets.append({**dataset, "destinations": _destinations(terminal, name)})
    return datasets


def _destinations(terminal: Terminal, dataset: str) -> list[Answers]:
    terminal.note(
        "  Where should versions of it be kept, encrypted by restic? A folder, sftp://user@host/folder, or what restic takes."
    )
    destinations: list[Answers] = []
    while text := terminal.ask("  [Address; Enter: no more]"):
        name = as_id(_place(as_address(text)), {destination["id"] for destination in destinations})
        destination = {"id": name, "protocol": "restic", "repository": as_repository(text), "every": "1d"}
        destinations.append({**destination, "keep": {"daily": 7, "weekly": 4, "monthly": 12}})
    return destinations


def _password(terminal: Terminal, address: str) -> Answers:
    """Credentials for an address at somebody else's; keys are pasted in the editor, where they can be seen whole."""
    if address.startswith("file:"):
        return {}
    import getpass

    password = getpass.getpass("  [Password there, not shown; Enter: none, or a key to be put in with the editor:] ")
    return {"credentials": {"password": password}} if password else {}


def _place(address: str) -> str:
    """What an address may be called: its host, or the last folder."""
    if match := re.match(r"[a-z0-9+]+://(?:[^@/]*@)?([^/:]+)", address):
        return match[1].split(".")[0]
    return address.rstrip("/").rpartition("/")[2]


def _needed(terminal: Terminal, question: str) -> str:
    while not (answer := terminal.ask(question)):
        terminal.note("this is needed")
    return answer
