"""Where a secret may be: every such place by name, and whatever is found anywhere else is a leak."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.golden.make_state import ROOT
from tests.hunt.needles import Canary


@dataclass(frozen=True)
class Rule:
    """In a place like this, such canaries are where they belong. `may` gets the canary and what the expression's group caught."""

    place: str
    may: Callable[[Canary, str], bool]
    why: str

    def allows(self, place: str, canary: Canary) -> bool:
        """Whether it does."""
        match = re.fullmatch(self.place, place)
        return match is not None and self.may(canary, match[1] if match.re.groups else "")


def tagged(kind: str) -> Callable[[Canary, str], bool]:
    """Canaries that belong to what the place is called."""
    return lambda canary, name: f"{kind}:{name}" in canary.tags


def anything(_canary: Canary, _name: str) -> bool:
    """All canaries."""
    return True


def _spoken(canary: Canary, server: str) -> bool:
    return canary.name in CLEAR.get(server, ())


def _in_a_kit(canary: Canary, steward: str) -> bool:
    return bool({f"share:{steward}", "kit", "published"} & canary.tags)


def _shown(canary: Canary, _name: str) -> bool:
    return "shown" in canary.tags


CLEAR = {
    "ftp": {"ftp password"},
    "webdav": {"webdav password"},
    "webdav-source": {"webdav-source password"},
    "s3": {"s3 access key id"},
    "restic-s3": {"restic-s3 access key id"},
    "s3-session": {"s3-session access key id", "s3-session session token"},
    "oauth": {"OAuth client secret", "OAuth refresh token", "OAuth access token"},
    "mail": {"mail password"},
    "hook": {"hook password"},
}
"""What is sent in clear because the config says so (ftp, http), and what is no more than the name of an access key."""

MACHINE = rf"(?:blank/|{re.escape(str(ROOT))}/(?:paradux/)?)?"
"""Where a machine lies: at the root of the hunt, or it is the one that was recovered, or that of an earlier version."""

TRANSPORT = rf"{MACHINE}state/transport/\.?((?:dataset|metadata|notify)\.[a-z0-9.-]+?\.json)(?:\.\w+)?"

GENERAL = (
    Rule(f"(?:file|written): {TRANSPORT}", tagged("transport"), "transport files hold the login of one stash"),
    Rule(r"memory: keeper", anything, "the keeper holds the config while it is open"),
    Rule(r"memory: worker of (.+)", tagged("transport"), "a worker holds the login of its own stash"),
    Rule(r"network: ([a-z0-9-]+)", _spoken, "servers that are spoken to in clear"),
    Rule(
        r"memory: worker of metadata\..+|written: (?:nas|friend)/\.tmp-.*",
        lambda canary, _: "published" in canary.tags,
        "a worker publishes the recovery key",
    ),
    Rule(
        r"(?:file|written): .*recovery-key-\d+\.asc.*",
        lambda canary, _: "published" in canary.tags,
        "the recovery key is published, encrypted with the recovery secret",
    ),
    Rule(
        rf"(?:file|written): {MACHINE}(?:port|kits|sticks)/(?:SERIAL-)?(\w+)/.*",
        _in_a_kit,
        "a kit holds its steward's share",
    ),
    Rule(
        rf"(?:file|written): {MACHINE}state/\.?seen-keys\.json.*|memory: supervisor",
        lambda canary, _: "confirms" in canary.tags,
        "what checks confirmation codes, one-way, for a daemon that is locked",
    ),
    Rule(
        r"(?:file|written): .*/(?:keys/.*|\.?repository-key.*)|network: restic.*",
        lambda canary, _: "key file" in canary.tags,
        "a key file lies in the repository and is sent there: without the password it opens nothing",
    ),
    Rule(r"output: .*", _shown, "names of entries are no secret to who edits them"),
)
"""Holds in every situation."""
