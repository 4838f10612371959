"""A daemon in memory for the client's tests: it checks calls against the real table and behaves as the documents say."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Self

from paraduxd.api.contract import KEEPER, SUPERVISOR, check_arguments
from paraduxd.api.dataclass_json import to_json_value
from paraduxd.api.errors import ExitCode, ParaduxError
from paraduxd.api.replies.setup_forms import PlaceForms, ProtocolForms
from paraduxd.core.config.capabilities import ProtocolCapabilities, Role
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.keeper.setup.forms import place_forms, protocol_forms
from paraduxd.protocols import registry

PASSPHRASE = "correct horse battery staple"

CONFIG: dict[str, Any] = {
    "version": 1,
    "serial": 42,
    "owner": {"name": "Fred Myself"},
    "metadata_stashes": [{"id": "friend", "protocol": "sftp", "password": "canary-4711"}],
    "managed": {"recovery": {"secret": "s3cr3t"}, "hosts": {}},
}

STATUS: dict[str, Any] = {
    "schema": "paradux.status/1",
    "level": "ok",
    "headline": "Recoverable: yes, proven 3 days ago",
    "daemon": {
        "version": "1.0.0",
        "pid": 1,
        "started": "2026-11-01T10:00:00Z",
        "vault": "userspace",
        "locked": True,
        "unlocked_until": None,
        "memory_locked": True,
        "init_on_free": None,
        "guess": None,
    },
    "config": {"serial": 42, "saved": "2026-11-01T10:00:00Z", "epoch": 1},
    "recoverable": {"today": True, "proven": "2026-11-20T10:00:00Z", "survives_any": 1, "weakest": [], "assumed": []},
    "datasets": [],
    "metadata_stashes": [],
    "stewards": [],
    "running": [],
    "problems": [],
}


def a_run(number: int, step: str = "push", **more: Any) -> dict[str, Any]:
    """A run as the supervisor reports it."""
    run = {
        "run": number,
        "dataset": "home",
        "step": step,
        "location": "friend",
        "trigger": "asked",
        "state": "done",
        "requested": "2026-11-20T10:00:00Z",
        "started": "2026-11-20T10:00:00Z",
        "ended": "2026-11-20T10:00:12Z",
        "percent": None,
        "bytes": 0,
        "eta": None,
        "error": None,
        "result": {"files": 3, "bytes": 2048},
    }
    return {**run, **more}


def text_of(document: dict[str, Any]) -> str:
    """A config as the keeper writes it."""
    return json.dumps(document, indent=2) + "\n"


class FakeDaemon:
    """Both sides of the daemon. Tests set what it holds and read what it was asked."""

    def __init__(self) -> None:
        self.passphrase = PASSPHRASE
        self.document: dict[str, Any] | None = json.loads(json.dumps(CONFIG))
        self.status = json.loads(json.dumps(STATUS))
        self.runs: dict[int, list[dict[str, Any]]] = {}
        """What `runs` answers about a run, look after look; the last one stays."""
        self.next_runs: list[int] = []
        """What the next call that starts runs answers."""
        self.past: list[dict[str, Any]] = []
        self.hosts: dict[str, Any] = {}
        self.problems: list[dict[str, Any]] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.window_open = False
        self.is_owner = True
        self.others_work = False
        """Somebody else has the vault open."""
        self.cancelled: list[int] = []
        self.of_others: list[int] = []
        """Runs that others have asked for."""
        self.pages: dict[int, dict[str, Any]] = {}
        """What `page` answers about a run."""
        self.keepers: list[FakeKeeper] = []
        self.before: dict[str, Callable[[], None]] = {}
        """What happens just before a call of this name is answered."""

    def supervisor(self) -> FakeSupervisor:
        return FakeSupervisor(self)

    def keeper(self) -> FakeKeeper:
        return FakeKeeper(self)

    def will_run(self, *runs: dict[str, Any] | list[dict[str, Any]]) -> None:
        """The next call that starts runs starts these; a list is what is seen of one run, look after look."""
        looks = [run if isinstance(run, list) else [run] for run in runs]
        self.next_runs = [one[0]["run"] for one in looks]
        self.runs.update({one[0]["run"]: list(one) for one in looks})

    def calls(self, name: str) -> list[dict[str, Any]]:
        """The arguments of every call of this name."""
        return [arguments for called, arguments in self.asked if called == name]

    def arrived(self, name: str, arguments: dict[str, Any]) -> None:
        self.asked.append((name, arguments))
        if name in self.before:
            self.before.pop(name)()


class Connection:
    """What both kinds of connection share."""

    def __init__(self, daemon: FakeDaemon) -> None:
        self.daemon = daemon
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True


class FakeSupervisor(Connection):
    def call(self, name: str, **arguments: Any) -> dict[str, Any]:
        checked = check_arguments(SUPERVISOR[name], json.loads(json.dumps(arguments)))
        self.daemon.arrived(name, checked)
        call = SUPERVISOR[name]
        if (call.access == "owner" or call.of_owner(checked)) and not self.daemon.is_owner:
            raise ParaduxError("not-allowed", "only root may do this", "use sudo", ExitCode.NOT_AUTHORIZED)
        answer = getattr(self, f"_{name}", None)
        reply = answer(**checked) if answer else {"runs": self.daemon.next_runs}
        return json.loads(json.dumps(reply))

    def _status(self, dataset: str | None) -> dict[str, Any]:
        return self.daemon.status

    def _overview(self, most: int) -> dict[str, Any]:
        return {"status": self.daemon.status, "left_out": 0}

    def _history(self, dataset: str | None, failed: bool, limit: int) -> dict[str, Any]:
        chosen = [run for run in self.daemon.past if not failed or run["state"] != "done"]
        chosen = [run for run in chosen if dataset in (None, run["dataset"])]
        return {"runs": chosen[:limit]}

    def _unfinished(self) -> dict[str, Any]:
        return {"runs": [run for run in self.daemon.past if run["state"] in ("queued", "running")]}

    def _page(self, run: int) -> dict[str, Any]:
        return self.daemon.pages[run]

    def _runs(self, runs: list[int]) -> dict[str, Any]:
        return {"runs": [self._next_look(number) for number in runs if number in self.daemon.runs]}

    def _await_end(self, runs: list[int]) -> dict[str, Any]:
        return {"waited": True}

    def _next_look(self, number: int) -> dict[str, Any]:
        looks = self.daemon.runs[number]
        if number in self.daemon.cancelled:
            return {**looks[0], "state": "cancelled"}
        return looks.pop(0) if len(looks) > 1 else looks[0]

    def _cancel(self, runs: list[int]) -> dict[str, Any]:
        left = [run for run in runs if run in self.daemon.of_others]
        self.daemon.cancelled += [run for run in runs if run not in left]
        return {"left": left}

    def _lock(self) -> dict[str, Any]:
        self.daemon.window_open = False
        return {}


class FakeKeeper(Connection):
    """Knows one passphrase; `gone` is a keeper whose authorized time is over."""

    def __init__(self, daemon: FakeDaemon) -> None:
        super().__init__(daemon)
        self.authorized = daemon.window_open
        self.gone = False
        daemon.keepers.append(self)

    def call(self, name: str, on_note: Callable[[str], None] | None = None, **arguments: Any) -> dict[str, Any]:
        checked = check_arguments(KEEPER[name], json.loads(json.dumps(arguments)))
        self.daemon.arrived(name, checked)
        if self.gone:
            raise ParaduxError("closed", "the connection was closed by the other side")
        if KEEPER[name].access == "authorized" and not self.authorized:
            raise ParaduxError("not-authorized", "the passphrase is needed", "", ExitCode.NOT_AUTHORIZED)
        return json.loads(json.dumps(getattr(self, f"_{name}")(**checked)))

    def _hello(self) -> dict[str, Any]:
        return {"vault": self.daemon.document is not None, "authorized": self.authorized}

    def _authorize(self, passphrase: str) -> dict[str, Any]:
        if passphrase != self.daemon.passphrase:
            raise ParaduxError("wrong-passphrase", "cannot open vault: wrong passphrase", "", ExitCode.NOT_AUTHORIZED)
        self.authorized = True
        return {"serial": self._serial()}

    def _document(self) -> dict[str, Any]:
        return {"text": text_of(self.daemon.document or {}), "serial": self._serial()}

    def _preview(self, text: str, serial: int) -> dict[str, Any]:
        return self._seen(text)

    def _setup_protocols(self) -> dict[str, Any]:
        return to_json_value(ProtocolForms(protocol_forms(_known())))  # type: ignore[no-any-return]

    def _setup_places(self, typed: str, role: str) -> dict[str, Any]:
        return to_json_value(PlaceForms(place_forms(typed, Role(role), _known())))  # type: ignore[no-any-return]

    def _setup_try(self, *, answers: str, access: str, **_: Any) -> dict[str, Any]:
        return {"settings": access or answers, "hosts": {}, "problem": "", "hint": "", "notes": []}

    def _preview_setup(self, answers: str) -> dict[str, Any]:
        return self._seen(answers)

    def _seen(self, text: str) -> dict[str, Any]:
        errors = _errors(text)
        changed = not errors and json.loads(text) != self.daemon.document
        changes = [f"name: {json.loads(text)['owner']['name']}"] if changed else []
        return {
            "problems": errors + self.daemon.problems,
            "changes": changes,
            "unchanged": not errors and not changed,
            "hosts": {} if errors else self.daemon.hosts,
        }

    def _save(self, text: str, serial: int, trust_hosts: dict[str, Any]) -> dict[str, Any]:
        if serial != self._serial():
            raise ParaduxError("conflict", "the config was changed by somebody else meanwhile", "paraductl edit")
        self.daemon.document = {**json.loads(text), "serial": serial + 1}
        return {"serial": serial + 1, "runs": self.daemon.next_runs, "warnings": []}

    def _setup(self, answers: str, passphrase: str, trust_hosts: dict[str, Any]) -> dict[str, Any]:
        self.daemon.document = {**json.loads(answers), "serial": 1, "managed": {}}
        self.daemon.passphrase = passphrase
        return {"serial": 1, "runs": self.daemon.next_runs, "warnings": []}

    def _show(self, path: str, secrets: bool) -> dict[str, Any]:
        part = (self.daemon.document or {})[path] if path else self.daemon.document
        return {"text": json.dumps(part if secrets else "***", indent=2)}

    def _unlock(self, seconds: int | None) -> dict[str, Any]:
        self.daemon.window_open = True
        return {"until": "2026-11-20T10:15:00Z"}

    def _passphrase(self, new: str) -> dict[str, Any]:
        self.daemon.passphrase = new
        return {"serial": self._serial()}

    def _restore(self, **_: Any) -> dict[str, Any]:
        return {"runs": self.daemon.next_runs}

    def _cancel(self, runs: list[int]) -> dict[str, Any]:
        self.daemon.cancelled += runs
        return {}

    _approve = _prune = _verify = _look = _restore

    def _lock(self) -> dict[str, Any]:
        if self.daemon.others_work and not self.authorized:
            raise ParaduxError("not-allowed", "somebody else works with it", "", ExitCode.NOT_AUTHORIZED)
        raise ParaduxError("closed", "the connection was closed by the other side")

    def _serial(self) -> int:
        return int((self.daemon.document or {}).get("serial", 0))


def _errors(text: str) -> list[dict[str, Any]]:
    """What is wrong with a text: no JSON, or no owner."""
    try:
        document = json.loads(text)
    except ValueError:
        return [_error("", "expected JSON", "look for a missing comma")]
    return [] if "owner" in document else [_error("ownr", "unknown key", "did you mean owner?")]


def _error(path: str, message: str, hint: str) -> dict[str, Any]:
    return {"level": "error", "line": 3, "column": 5, "path": path, "message": message, "hint": hint}


def _known() -> ProtocolCapabilities:
    return capabilities_of(registry.load())
