"""Why restic failed, as sentences. Pure: exit code and standard error in, errors out.

Failures of 0.14 are exit code 1 with text on standard error; 0.18 has exit codes (10 no repository, 11 locked, 12 wrong password)
and JSON. Both end with 3 after a backup that left something out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from paraduxd.api.errors import ParaduxError, TransientError
from paraduxd.protocols.restic.output import parsed

INCOMPLETE = 3
"""Exit code of a backup that left something out."""


def unread(errors: Iterable[str]) -> tuple[str, ...]:
    """The paths that a backup could not read, as restic names them: absolute, or relative to where it ran."""
    messages = map(parsed, errors)
    return tuple(str(message.get("item", "")) for message in messages if message.get("during") == "archival")


def sentences(errors: Iterable[str]) -> tuple[str, ...]:
    """Standard error without JSON and empty lines."""
    texts = (_sentence(line) for line in errors)
    return tuple(part.strip() for text in texts for part in text.splitlines() if part.strip())


def _sentence(line: str) -> str:
    message = parsed(line)
    error = message.get("error")
    if isinstance(error, dict):
        return str(error.get("message", ""))
    text = str(message.get("message", "")) if message else line
    return re.sub(r"^.* returned error, retrying after [^:]*: ", "", text)


_PACKS = 3
"""So many damaged packs are named."""

_PACK = re.compile(
    r"(?:pack (?:id does not match, want )?|<data/|/data/[0-9a-f]{2}/)(?P<id>[0-9a-f]{64})", re.IGNORECASE
)
"""How restic names a pack; in other messages it shows only the beginning of the name."""

_GONE = re.compile(r"pack [0-9a-f]{64}: does not exist|no such file")

_LONGEST = 200
"""Characters of restic's own words in a sentence of ours."""

_LAST = 3
"""So many of the lines in which restic says why it gives up are repeated, where nobody knows what they mean."""

WRONG_PASSWORD = "wrong-repository-password"  # noqa: S105  (a code)

UNCLEAR = frozenset({"restic-failed", "unusable-repository", "interrupted", "no-repository"})
"""Codes behind which there may be a failure of ssh."""


def problem(code: int, errors: Sequence[str], where: str) -> ParaduxError:
    """Why restic failed at the repository `where`, from its exit code (negative: signal) and standard error."""
    texts = sentences(errors)
    text = "\n".join(texts)
    for own_code, pattern, make in _RULES:
        if code == own_code or re.search(pattern, text, re.IGNORECASE):
            return make(where, texts)
    if code < 0:
        return TransientError("interrupted", f"restic was ended at {where} (signal {-code})", "the next run goes on")
    fatal = [text for text in texts if text.startswith("Fatal:")] or texts[-1:]
    said = "; ".join(dict.fromkeys(map(_readable, fatal[-_LAST:]))) or f"exit code {code}"
    hint = "what restic says of it: https://restic.readthedocs.io/en/stable/077_troubleshooting.html"
    return ParaduxError("restic-failed", f"restic failed at {where}: {said}", hint)


def lost(errors: Sequence[str]) -> bool:
    """Whether restic no longer had anybody to speak to."""
    text = "\n".join(sentences(errors))
    return bool(re.search(r"sftp session|ssh command exited|connection lost|broken pipe|EOF", text))


def _too_large(where: str, _: Sequence[str]) -> ParaduxError:
    return ParaduxError(
        "too-large",
        f"the repository {where} needs more memory than restic may take",
        "see who can write there; if it holds that many files, allow more: set memory with paraductl edit",
    )


def _busy(where: str, _: Sequence[str]) -> ParaduxError:
    return TransientError(
        "busy",
        f"the repository {where} is in use by another process",
        "it will be tried again; if nothing uses it any more, restic unlock removes the lock that was left there",
    )


def _wrong_password(where: str, _: Sequence[str]) -> ParaduxError:
    return ParaduxError(
        WRONG_PASSWORD,
        f"the password does not open the repository {where}",
        "correct credentials.password, or give the destination a new repository, with paraductl edit",
    )


def _no_repository(where: str, _: Sequence[str]) -> ParaduxError:
    return ParaduxError("no-repository", f"there is no repository in {where}", "push to it first: paraductl backup")


def full(where: str, _: Sequence[str] = ()) -> ParaduxError:
    """No room."""
    return TransientError("disk-full", f"the disk of {where} is full", "make room there, or keep fewer versions")


def _refused(where: str, _: Sequence[str]) -> ParaduxError:
    """SFTP servers know no error of its own for a full disk, only "failure"."""
    return TransientError(
        "disk-full", f"the server could not write to {where}: its disk is probably full", "make room there"
    )


def _damaged(where: str, texts: Sequence[str]) -> ParaduxError:
    """What is damaged, by the file in the repository where restic says it; what heals it.

    A push alone heals no pack: restic does not send again what the index has. Once the pack is gone from there, it does.
    """
    text = "\n".join(texts)
    packs = tuple(dict.fromkeys(match["id"] for match in _PACK.finditer(text)))
    if packs:
        shown = ", ".join(f"data/{pack[:2]}/{pack}" for pack in packs[:_PACKS])
        more = f" and {len(packs) - _PACKS} more" if len(packs) > _PACKS else ""
        gone = "" if _GONE.search(text) else f"move {shown if len(packs) == 1 else 'them'} away, then "
        return ParaduxError(
            "damaged",
            f"the repository {where} is damaged: {shown}{more} {'is gone' if not gone else 'does not hold what was written'}",
            f"check its disk; {gone}restic rebuild-index, then paraductl backup DATASET, which sends again what is still there,"
            " then paraductl verify DATASET --deep",
        )
    heals = (
        "restic rebuild-index"
        if re.search(r"index", text, re.IGNORECASE)
        else "repair it as restic's troubleshooting guide says"
    )
    return ParaduxError(
        "damaged",
        f"the repository {where} is damaged: {_readable(texts[0]) if texts else 'restic found errors'}",
        f"check its disk; then {heals}, or give the destination a new repository",
    )


def _unfinished(where: str, _: Sequence[str]) -> ParaduxError:
    return ParaduxError(
        "unfinished-repository",
        f"the repository {where} has a key but no config: its creation was interrupted, or its config was lost",
        "if nothing was ever kept there, remove that directory; else bring its file config back",
    )


def _no_version(where: str, _: Sequence[str]) -> ParaduxError:
    return ParaduxError("not-found", f"there is no such version in {where}", "see: paraductl versions DATASET")


def _no_access(where: str, texts: Sequence[str]) -> ParaduxError:
    why = _readable(texts[-1]) if texts else "restic was refused"
    return ParaduxError("unusable-repository", f"cannot use {where}: {why}", "check the path and its permissions")


_RULES: tuple[tuple[int | None, str, Callable[[str, Sequence[str]], ParaduxError]], ...] = (
    (None, r"out of memory|cannot allocate memory|errno=12\b", _too_large),
    (11, r"repository is already locked", _busy),
    (12, r"wrong password or no key found", _wrong_password),
    (10, r"unable to open config file: .*(no such file|not exist)|specified bucket does not exist", _no_repository),
    (None, r"no space left on device|disk quota exceeded", full),
    (None, r"ssh_fx_failure", _refused),
    (None, r"repository contains errors|ciphertext verification failed|invalid data returned", _damaged),
    (None, r"loadindex returned errors|is damaged|supported kdf|hash does not match", _damaged),
    (None, r"\(<data/[0-9a-f]+>.*(no such file|not exist)|/data/../[0-9a-f]{64}: no such file", _damaged),
    (None, r"already contains keys", _unfinished),
    (
        None,
        r"(?m)^pack [0-9a-f]{64}: does not exist|^<data/[0-9a-f]+> does not exist|^the specified key does not",
        _damaged,
    ),
    (None, r"no matching id found", _no_version),
    (None, r"permission denied|operation not permitted|read-only file system|not a directory", _no_access),
)
"""Exit code of 0.18, what both versions say, the error; the first that fits."""


def not_read_back(problem: ParaduxError, version: str) -> ParaduxError:
    """The newest version is not what was pushed."""
    text = f"the newest version {version} cannot be read back, so nothing was removed: {problem.message}"
    return ParaduxError("damaged", text, problem.hint)


def _readable(text: str) -> str:
    """One line for a person: no control characters, not endless."""
    text = re.sub(r"^(Fatal|error): ", "", re.sub(r"[\x00-\x1f\x7f]", "?", text)).rstrip(". ")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
