"""Can stewards be reached, and do their kits lead them to newer copies? What is lacking is a warning."""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.api.typed.contact_forms import is_email, is_phone
from paraduxd.core.config.diagnostics import Diagnostic, Path
from paraduxd.core.config.models import Config, Owner, Steward


def findings(config: Config) -> Iterator[Diagnostic]:
    """All of this of a well-formed config."""
    yield from _forms("the owner", config.owner, ("owner",))
    for index, steward in enumerate(config.stewards):
        path = ("stewards", index)
        yield from _forms(f"steward {steward.id}", steward, path)
        if not (steward.phone or steward.email or steward.address):
            message = f"steward {steward.id} has neither telephone number, e-mail nor address: nobody can reach them in an emergency"
            yield Diagnostic("warning", path, message, 'add one, like "phone": "+1 555 123 4567"')
    yield from _kit_access(config)


def _forms(who: str, person: Owner | Steward, path: Path) -> Iterator[Diagnostic]:
    if person.email and not is_email(person.email):
        message = f"the e-mail address of {who} does not look like one"
        yield Diagnostic("warning", (*path, "email"), message, "write one address, like name@example.org")
    if person.phone and not is_phone(person.phone):
        message = f"the telephone number of {who} does not look like one"
        yield Diagnostic("warning", (*path, "phone"), message, "write it as it is dialled, like +1 555 123 4567")


def _kit_access(config: Config) -> Iterator[Diagnostic]:
    """Without it a kit leads no further than to the config that was written onto it."""
    if any(stash.kit_access for stash in config.metadata_stashes):
        return
    message = "no kit names a published copy of this document: stewards have only the one that was on their kits when they were written"
    hint = "make a login that can read there and nothing else, and add it to a stash as kit_access"
    yield Diagnostic("warning", ("metadata_stashes",), message, hint)
