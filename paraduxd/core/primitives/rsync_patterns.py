"""Which paths rsync's patterns leave out, without rsync. Pure.

Source: rsync(1), FILTER RULES, and its `rule_matches` and `wildmatch`; a test asks rsync itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

Rule = Callable[[bytes, bool], bool]
"""Whether a path below the root, of a directory or not, is left out."""

_CLASSES = {
    b"alnum": b"0-9A-Za-z",
    b"alpha": b"A-Za-z",
    b"blank": b" \\t",
    b"cntrl": b"\\x00-\\x1f\\x7f",
    b"digit": b"0-9",
    b"graph": b"!-~",
    b"lower": b"a-z",
    b"print": b" -~",
    b"punct": b"!-/:-@\\[-`{-~",
    b"space": b" \\t-\\r",
    b"upper": b"A-Z",
    b"xdigit": b"0-9A-Fa-f",
}

_NEVER = b"(?!)"


def matcher(patterns: Iterable[str]) -> Rule:
    """Whether any of the patterns fits a path itself; what is below a directory that is left out is nobody's question."""
    names, folders, rest = list[bytes](), list[bytes](), list[Rule]()
    for pattern in patterns:
        text, only_folders = _parsed(pattern)
        if b"/" in text or b"**" in text:
            rest.append(_rule(text, only_folders=only_folders))
        elif text:
            (folders if only_folders else names).append(_one_name(text))
    of_all, of_folders = _any(names), _any([*names, *folders])

    def leaves_out(path: bytes, is_folder: bool) -> bool:
        name = path.rpartition(b"/")[2]
        by_name = (of_folders if is_folder else of_all).fullmatch(name)
        return by_name is not None or any(rule(path, is_folder) for rule in rest)

    return leaves_out


def _any(expressions: Iterable[bytes]) -> re.Pattern[bytes]:
    return re.compile(b"|".join(expressions) or _NEVER, re.DOTALL)


def _parsed(pattern: str) -> tuple[bytes, bool]:
    """The pattern without a slash at its end, and whether there was one: it means directories only."""
    text = pattern.encode("utf-8", "surrogateescape")
    return (text[:-1], True) if len(text) > 1 and text.endswith(b"/") else (text, False)


def _has_wildcard(text: bytes) -> bool:
    return re.search(rb"[*?[]", text) is not None


def _one_name(text: bytes) -> bytes:
    return _expression(text) if _has_wildcard(text) else re.escape(text)


def _rule(text: bytes, *, only_folders: bool) -> Rule:
    """Of a pattern that can match more than a name."""
    anchored, deep = text.startswith(b"/"), b"**" in text
    expression = re.compile(_one_name(text.removeprefix(b"/")), re.DOTALL)
    before = b"/" if text.startswith(b"**") else b""
    with_slash = text.endswith(b"***")
    elements = text.count(b"/") + 1

    def fits(path: bytes, is_folder: bool) -> bool:
        if only_folders and not is_folder:
            return False
        whole = before + path + (b"/" if with_slash and is_folder else b"")
        return any(expression.fullmatch(part) for part in _parts(whole))

    def _parts(whole: bytes) -> Iterator[bytes]:
        """What of the path the pattern is held against."""
        if anchored or before:
            yield whole
        elif deep:
            yield from (whole[start:] for start in (0, *(found.end() for found in re.finditer(b"/", whole))))
        elif whole.count(b"/") >= elements - 1:
            yield b"/".join(whole.split(b"/")[-elements:])

    return fits


def _expression(text: bytes) -> bytes:
    """A pattern with wildcards as a regular expression; one that is broken matches nothing."""
    out, at = b"", 0
    while at < len(text):
        stars = len(text) - at - len(text[at:].lstrip(b"*"))
        character = text[at : at + 1]
        if stars:
            out += b".*" if stars > 1 else b"[^/]*"
            at += stars
        elif character == b"?":
            out, at = out + b"[^/]", at + 1
        elif character == b"[":
            found = _class(text, at + 1)
            if found is None:
                return _NEVER
            out, at = out + found[0], found[1]
        else:
            at += character == b"\\"  # at the end of a pattern it stands for nothing that a name can have
            if at >= len(text):
                return _NEVER
            out, at = out + re.escape(text[at : at + 1]), at + 1
    return out


def _class(text: bytes, at: int) -> tuple[bytes, int] | None:
    """The class that begins behind a bracket, as a regular expression, and where it ends; `None`: it does not."""
    negated = text[at : at + 1] in (b"!", b"^") and at < len(text)
    at += negated
    members, first = b"", True
    while first or text[at : at + 1] != b"]":
        first = False
        if at >= len(text):
            return None
        if text[at : at + 2] == b"[:" and (end := text.find(b":]", at)) > 0:
            if (named := _CLASSES.get(text[at + 2 : end])) is None:
                return None
            members, at = members + named, end + 2
            continue
        low, at = _member(text, at)
        if text[at : at + 1] == b"-" and text[at + 1 : at + 2] not in (b"", b"]"):
            high, at = _member(text, at + 1)
            members += b"\\x%02x-\\x%02x" % (low, high) if low <= high else b""
        members += b"\\x%02x" % low
        if at > len(text):
            return None
    if not members:
        return (b"[^/]" if negated else _NEVER), at + 1
    return b"(?!/)[%b%b]" % (b"^" if negated else b"", members), at + 1


def _member(text: bytes, at: int) -> tuple[int, int]:
    """A character of a class, and what is behind it."""
    at += text[at : at + 1] == b"\\" and at + 1 < len(text)
    return text[at], at + 1
