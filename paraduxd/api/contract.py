"""The calls that a client can make, as one table: where each goes, who may make it, what it takes.

Supervisor calls go over rpyc to `<run>/paraduxd.sock`: one exposed method `call(name: str, arguments: str) -> str`, JSON inside.
Keeper calls go over `<run>/keeper.sock` in frames (`api/framing.py`): a request `{"call": name, "arguments": {...}}` is answered
by any number of `{"event": "note", "text": ...}` and then one `{"reply": {...}}` or `{"error": {...}}`.
Over either socket an error is `ParaduxError.to_wire()`; rpyc carries a reply as the text of `{"reply": ...}` or `{"error": ...}`.

Access levels: "member" may see status and trigger backups (the socket's group); "owner" is the user the daemon runs as, or root;
"authorized" has given the operational passphrase (or set the vault up) on this connection, or is the uid with an open window;
"asker" is a member, for what the same uid has asked for or opened: the rest is the owner's, and that of who is authorized.
A field has an access level besides when other values than its default need more than the call.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paraduxd.api.errors import ParaduxError


@dataclass(frozen=True)
class Field:
    """One argument: its JSON type and whether it may be left out (then it is `default`). `is_path`: it must be one for the system."""

    kind: type
    required: bool = True
    default: Any = None
    access: str = "member"
    is_path: bool = False


@dataclass(frozen=True)
class Call:
    """One call: access level and arguments."""

    access: str
    fields: Mapping[str, Field]

    def of_owner(self, arguments: Mapping[str, Any]) -> bool:
        """Whether one of the (checked) arguments is for the owner alone."""
        return any(field.access == "owner" and arguments[name] != field.default for name, field in self.fields.items())


def _optional(kind: type, default: Any = None, access: str = "member", *, is_path: bool = False) -> Field:
    return Field(kind, required=False, default=default, access=access, is_path=is_path)


SUPERVISOR: Mapping[str, Call] = {
    "status": Call("member", {"dataset": _optional(str)}),
    "history": Call(
        "member", {"dataset": _optional(str), "failed": _optional(bool, False), "limit": _optional(int, 100)}
    ),
    "backup": Call(
        "member",
        {
            "datasets": _optional(list, []),
            "destination": _optional(str),
            "pull_only": _optional(bool, False),
            "push_only": _optional(bool, False),
        },
    ),
    "runs": Call("member", {"runs": Field(list)}),
    "cancel": Call("asker", {"runs": Field(list)}),
    "versions": Call("member", {"dataset": Field(str), "destination": _optional(str)}),
    "verify": Call("member", {"dataset": _optional(str), "deep": _optional(bool, False, "owner")}),
    "publish": Call("member", {}),
    "lock": Call("owner", {}),
    "stewards": Call("member", {}),
    "restore": Call(
        "owner",
        {
            "dataset": Field(str),
            "to": Field(str, is_path=True),
            "source": _optional(str),
            "at": _optional(str),
            "paths": _optional(list, []),
            "on_behalf_of": _optional(int, access="owner"),
        },
    ),
}
"""Replies: status -> `schema/status.schema.json`. history, runs -> {"runs": [run]}. backup, versions, verify, publish, restore ->
{"runs": [number]}, at once; the client follows them with `runs`. cancel -> {"left": [number]}: of others, not ended. lock -> {}.
`on_behalf_of`: the uid of whoever called through sudo(8); a folder of theirs may be restored into as one of root's own.
stewards -> {"epoch", "serial", "rotation": next epoch | null, "shares_required", "stewards": [{"id", "name", "accepted_on", "epoch",
"serial", "written", "last_seen", "device_serial", "current", "void", "problems": [sentence], "overdue", "next": bool | null}]}: of each
steward the kit that matters; `next`: has one of the next epoch, while a rotation runs.

A run is {"run", "dataset", "step", "location", "trigger", "state", "requested", "started", "ended", "percent", "bytes", "eta",
"error": null | {"code", "message", "hint"}, "result": null | {...}} with state queued, running, done, failed, held,
interrupted or cancelled; the results are those of `core/runs/orders.py`."""

KEEPER: Mapping[str, Call] = {
    "hello": Call("member", {}),
    "authorize": Call("member", {"passphrase": Field(str)}),
    "setup": Call("owner", {"answers": Field(str), "passphrase": Field(str), "trust_hosts": _optional(dict, {})}),
    "preview": Call("authorized", {"text": Field(str), "serial": Field(int)}),
    "save": Call("authorized", {"text": Field(str), "serial": Field(int), "trust_hosts": _optional(dict, {})}),
    "document": Call("authorized", {}),
    "show": Call("authorized", {"path": _optional(str, ""), "secrets": _optional(bool, False)}),
    "unlock": Call("authorized", {"seconds": _optional(int)}),
    "passphrase": Call("authorized", {"new": Field(str)}),
    "restore": Call("authorized", dict(SUPERVISOR["restore"].fields)),
    "preview_setup": Call("owner", {"answers": Field(str)}),
    "drill": Call("authorized", {"scratch": _optional(str, "", is_path=True)}),
    "drill_kits": Call("owner", {"materials": Field(list), "scratch": _optional(str, "", is_path=True)}),
    "drill_cancel": Call("asker", {}),
    "lock": Call("asker", {}),
    "kits_directory": Call("authorized", {"steward": Field(str)}),
    "kits_confirm": Call("authorized", {"steward": Field(str), "sha256": Field(str)}),
    "kits_arm": Call(
        "authorized",
        {
            "stewards": _optional(list, []),
            "erase": _optional(bool, False),
            "device": _optional(str, is_path=True),
            "wait": _optional(bool, True),
        },
    ),
    "approve": Call("authorized", {"dataset": Field(str)}),
    "prune": Call("authorized", {"dataset": Field(str), "destination": _optional(str)}),
    "verify": Call("authorized", dict(SUPERVISOR["verify"].fields)),
    "cancel": Call("authorized", dict(SUPERVISOR["cancel"].fields)),
    "rotate": Call("authorized", {}),
    "rotate_cancel": Call("authorized", {}),
    "recover_add": Call("owner", {"materials": Field(list)}),
    "recover_device": Call("owner", {"device": Field(str, is_path=True)}),
    "recover_state": Call("owner", {}),
    "recover_prove": Call("owner", {}),
    "recover_commit": Call(
        "owner", {"passphrase": Field(str), "candidate": _optional(int, 0), "accept_older": _optional(bool, False)}
    ),
    "recover_cancel": Call("owner", {}),
}
"""Replies: hello -> {"vault": bool, "authorized": bool}. authorize -> {"serial"}. document -> {"text", "serial"}.
preview, preview_setup -> {"problems": [problem], "changes": [sentence], "unchanged": bool,
"hosts": {"host:port": {"keys": [line], "fingerprints": [text], "error": text | null}}} where hosts are the ones not pinned yet.
setup, save -> {"serial", "runs": [publish runs], "warnings": [problem]}; `trust_hosts` is {"host:port": [line]} as accepted by the
owner. show -> {"text"}. unlock -> {"until": RFC 3339}. passphrase -> {"serial"}. restore, approve, prune, verify ->
{"runs": [number]}. cancel -> {"left": []}.

recover_add, recover_device, recover_state -> {"report": [sentence], "findings": [{"label", "state", "steward", "epoch", "text"}],
"ready": bool}; a material is {"label", and what there is of "share_text" (text), "manifest", "key", "config" (base64)}.
recover_prove -> {"candidates": [{"label", "epoch", "serial", "date", "instance", "generation", "age"}] (newest first), "alive": bool
(the secret opens the vault that is there), "epoch", "owner", "datasets": [id], "disagreements": [sentence], "notes": [sentence],
"newer": {"message", "needed"} (sentences) when something newer is known than what opens, or null}.
recover_commit -> {"serial", "runs", "warnings", "alive"}; `candidate` is an index into the candidates. recover_cancel -> {}.

drill, drill_kits -> {"proven": bool, "flawless": bool, "lacking": [sentence], "source": "shares" | "kits", "started", "ended", "epoch",
"serial", "datasets": [id], "openings": [{"place", "good", "text", "kit", "present"}], "restored": [{"dataset", "destination", "good",
"text", "result": null | {...}, "error": null | {...}}], "kits": [finding]} (`core/recovery/drills.py` says what proves what);
`scratch` is an absolute path; materials and findings are those of recover_add. drill_cancel, lock -> {}.

rotate -> {"state": "begun" | "under-way" | "completed", "serial", "epoch" (in force), "next_epoch": int | null, "started": RFC 3339 | null,
"confirmed": [steward], "missing": [steward], "shares_required", "exposure": {...} (`core/config/views/exposure.py`), "runs"};
rotate_cancel -> {"epoch", "cancelled": epoch, "kits_again": [steward], "serial", "runs"}.

A problem is {"level": "error" | "warning", "line", "column", "path", "message", "hint"}. `save` with a text that has errors
fails with code "invalid-config", exit code 5 and the problems as details; with an unchanged text with code "unchanged"; with a
`serial` that is not the current one with code "conflict"."""


def check_arguments(call: Call, untrusted_arguments: Any) -> dict[str, Any]:
    """The arguments of a call with defaults filled in; raises `ParaduxError` "bad-request" for anything else."""
    if not isinstance(untrusted_arguments, dict):
        raise ParaduxError("bad-request", "the arguments of a call must be a JSON object")
    if unknown := set(untrusted_arguments) - set(call.fields):
        raise ParaduxError("bad-request", f"a call has {len(unknown)} argument(s) it does not take")
    return {name: _argument(name, field, untrusted_arguments) for name, field in call.fields.items()}


def _argument(name: str, field: Field, untrusted_arguments: dict[str, Any]) -> Any:
    value = untrusted_arguments.get(name)
    if value is None:
        if field.required:
            raise ParaduxError("bad-request", f"the argument {name} is missing")
        return field.default
    if type(value) is not field.kind:
        raise ParaduxError("bad-request", f"the argument {name} must be of type {field.kind.__name__}")
    if field.is_path and not _is_path(str(value)):
        raise ParaduxError("bad-request", f"the argument {name} has characters that no path has", "write it again")
    return value


def _is_path(text: str) -> bool:
    try:
        return b"\x00" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False
