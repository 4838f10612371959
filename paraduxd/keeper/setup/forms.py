"""What setup asks for places: answered from the declarations of the protocols, for a client that knows none of them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from paraduxd.api.replies.setup_forms import PlaceForm, ProtocolForm
from paraduxd.api.typed.passwords_in_addresses import REFUSAL, passwords_in
from paraduxd.core.config.capabilities import Capabilities, ProtocolCapabilities, Role
from paraduxd.core.config.setup_declaration import Setup, derived_setup


def protocol_forms(capabilities: ProtocolCapabilities) -> tuple[ProtocolForm, ...]:
    """Every protocol that can be chosen, by name."""
    return tuple(_protocol_form(capabilities[name]) for name in sorted(capabilities))


def place_forms(typed: str, role: Role, capabilities: ProtocolCapabilities) -> tuple[PlaceForm, ...]:
    """How a place that somebody names can be used in this role, the most private way first; none: no protocol knows such an address."""
    usable = (each for each in capabilities.values() if each.can_be(role))
    found = [form for each in sorted(usable, key=_privacy) for form in _place_form(typed.strip(), role, each)]
    return tuple(sorted(found, key=lambda form: form.problem != ""))


def _protocol_form(known: Capabilities) -> ProtocolForm:
    setup = _setup(known)
    roles = tuple(role.value for role in Role if known.can_be(role))
    return ProtocolForm(known.name, setup.title, setup.address.example, roles, known.traits.encrypts)


def _privacy(known: Capabilities) -> tuple[bool, bool, str]:
    """What encrypts by itself, then what keeps encrypted archives, then what keeps files as they are."""
    return (not known.traits.encrypts, not known.archive, known.name)


def _place_form(typed: str, role: Role, known: Capabilities) -> Iterator[PlaceForm]:
    setup = _setup(known)
    try:
        address = setup.reads(typed)
    except ValueError:
        return
    if address is None:
        return
    asked = (each for each in setup.questions if not each.only_for or address.startswith(each.only_for))
    yield PlaceForm(
        known.name,
        setup.title,
        {setup.address.key: address},
        "gpg" if role is Role.DESTINATION and known.archive else "",
        known.traits.plain_files,
        setup.fate,
        tuple(asked),
        _problem(known, setup.address.key, address),
        setup.every,
        _warning(role, known),
    )


def _warning(role: Role, known: Capabilities) -> str:
    """What a check of the config would warn of as soon as this way is chosen."""
    if role is Role.SOURCE:
        return ""
    if known.traits.login_in_clear:
        return f"the password is sent in the clear, where anyone on the way can read it: {known.traits.login_in_clear}"
    readable = role is Role.DESTINATION and not (known.archive or known.traits.encrypts)
    return "it is not encrypted: anyone who runs that place can read what is there" if readable else ""


def _problem(known: Capabilities, key: str, address: str) -> str:
    """What the settings model says of the address alone, and whether a password stands in it."""
    if passwords_in(address):
        return f"{REFUSAL}; you are asked for it next"
    try:
        known.settings.model_validate({key: address})
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_context=False, include_url=False)
        said = (each["msg"] for each in wrong if each["loc"] == (key,))
        return next(said, "").removeprefix("Value error, ")
    return ""


def _setup(known: Capabilities) -> Setup:
    return known.setup or derived_setup(known.name, known.settings)
