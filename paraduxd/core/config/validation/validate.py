"""Config text to a config, or to problems that say where, what was expected, and what was probably meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from pydantic import ValidationError

from paraduxd.api.frozen import dataclass
from paraduxd.core.config.addresses import kit_settings
from paraduxd.core.config.capabilities import Capabilities, ProtocolCapabilities, Role
from paraduxd.core.config.diagnostics import Diagnostic, Path, PlacedDiagnostic, path_text, suggestion
from paraduxd.core.config.model_introspection import keys
from paraduxd.core.config.models import Config, Destination, KitAccess, MetadataStash, Source, Stash
from paraduxd.core.config.protocol_settings import ProtocolSettings
from paraduxd.core.config.validation import address_passwords
from paraduxd.core.config.validation.json_positions import Document, DocumentError, parse
from paraduxd.core.config.validation.pydantic_errors import model_findings
from paraduxd.core.config.validation.semantics import Known, check_semantics
from paraduxd.core.primitives.hosts import is_loopback

_MODELS: Mapping[Role, type[Stash]] = {
    Role.SOURCE: Source,
    Role.DESTINATION: Destination,
    Role.METADATA: MetadataStash,
}


@dataclass(frozen=True)
class Checked:
    """The config, if there is no error, and all problems in the order of the text."""

    config: Config | None
    problems: tuple[PlacedDiagnostic, ...]

    @property
    def valid(self) -> bool:
        """Whether there is no error; warnings are allowed."""
        return self.config is not None


def check(text: str, capabilities: ProtocolCapabilities, *, answers: bool | None = False) -> Checked:
    """Check a config.

    `answers`: the text is one for `setup`, without `serial` and `managed`; `None`: it may be either.
    No problem repeats a value of the text.
    """
    try:
        document = parse(text)
    except DocumentError as error:
        return Checked(
            None, (PlacedDiagnostic("error", error.line, error.column, path_text(error.path), error.message),)
        )
    config, findings = _examine(document.value, capabilities, answers)
    problems = tuple(sorted((_place(document, finding) for finding in findings), key=lambda p: (p.line, p.column)))
    failed = any(problem.level == "error" for problem in problems)
    return Checked(None if failed else config, problems)


def placed(text: str, findings: Iterable[Diagnostic]) -> tuple[PlacedDiagnostic, ...]:
    """Findings of a text that `check` has accepted, with their lines, in the order of the text; without any it is not read."""
    if not (found := tuple(findings)):
        return ()
    document = parse(text)
    return tuple(sorted((_place(document, finding) for finding in found), key=lambda p: (p.line, p.column)))


def _place(document: Document, finding: Diagnostic) -> PlacedDiagnostic:
    line, column = document.position(finding.path, finding.at_key)
    return PlacedDiagnostic(finding.level, line, column, path_text(finding.path), finding.message, finding.hint)


def _examine(
    value: object, capabilities: ProtocolCapabilities, answers: bool | None
) -> tuple[Config | None, list[Diagnostic]]:
    try:
        config, findings = Config.model_validate(value), []
    except ValidationError as error:
        config, findings = None, list(model_findings(error, Config, value))
    known: dict[Path, Known] = {}
    for path, role, stash in _stashes(value):
        findings += _stash_findings(path, role, stash, capabilities, known)
    if isinstance(value, dict):
        findings += _mode_findings(value, answers)
    if config is not None:
        findings += check_semantics(
            config, known, [each.name for each in capabilities.values() if each.traits.encrypts]
        )
        told = {finding.path for finding in findings}
        findings += (each for each in _password_findings(config, capabilities, answers) if each.path not in told)
    return config, findings


def _password_findings(
    config: Config, capabilities: ProtocolCapabilities, answers: bool | None
) -> Iterator[Diagnostic]:
    """Of a config that may be saved already, `refusals` has the rest when it is saved again."""
    if answers or (answers is None and config.managed is None):
        return address_passwords.refusals(config, None, capabilities)
    return address_passwords.warnings(config, capabilities)


def _mode_findings(value: dict[str, object], answers: bool | None) -> Iterator[Diagnostic]:
    ours = ("serial", "managed")
    if answers is None:
        answers = not any(key in value for key in ours)
    for key in ours:
        if answers and key in value:
            yield Diagnostic("error", (key,), f"the key {key} does not belong in answers", "leave it out", at_key=True)
        if not answers and value.get(key) is None:
            yield Diagnostic("error", (key,), f"the key {key} is missing", "Paradux writes it; put it back as it was")


def _stashes(value: object) -> Iterator[tuple[Path, Role, dict[str, object]]]:
    """Every object of the document that stands where a stash belongs."""
    for path, stash in _objects(value, "metadata_stashes", ()):
        yield path, Role.METADATA, stash
    for path, dataset in _objects(value, "datasets", ()):
        if isinstance(source := dataset.get("source"), dict):
            yield (*path, "source"), Role.SOURCE, source
        for inner, stash in _objects(dataset, "destinations", path):
            yield inner, Role.DESTINATION, stash


def _objects(value: object, key: str, path: Path) -> Iterator[tuple[Path, dict[str, object]]]:
    entries = value.get(key) if isinstance(value, dict) else None
    for index, entry in enumerate(entries if isinstance(entries, list) else []):
        if isinstance(entry, dict):
            yield (*path, key, index), entry


def _stash_findings(
    path: Path, role: Role, stash: dict[str, object], capabilities: ProtocolCapabilities, known: dict[Path, Known]
) -> Iterator[Diagnostic]:
    """Check the keys of the protocol; fills `known` with what is well described."""
    name = stash.get("protocol")
    if not isinstance(name, str):
        return
    capability = capabilities.get(name)
    if capability is None:
        usable = [other.name for other in capabilities.values() if other.can_be(role)]
        message = f"unknown protocol: expected one that can be a {role}"
        yield Diagnostic("error", (*path, "protocol"), message, suggestion(name, usable))
        return
    if unfit := list(_ability_findings(path, role, stash, capability, capabilities)):
        yield from unfit
        return
    common = keys(_MODELS[role])
    own = {key: inner for key, inner in stash.items() if key not in common}
    try:
        known[path] = Known(role, capability, capability.settings.model_validate(own))
    except ValidationError as error:
        yield from model_findings(error, capability.settings, stash, path, common)
    if path in known:
        yield from _clear_findings(path, known[path].settings)
    access = stash.get("kit_access")
    if role is Role.METADATA and isinstance(access, dict):
        yield from _kit_findings((*path, "kit_access"), access, capability, own if path in known else {})


def _clear_findings(path: Path, settings: ProtocolSettings) -> Iterator[Diagnostic]:
    """Whether everybody on the way may read the login."""
    address = settings.in_clear()
    if address is None or is_loopback(address[1]):
        return
    message = "the address is spoken to without encryption: anyone on the network path can read and change what is sent, and the login"
    yield Diagnostic("warning", (*path, address[0]), message, "use https, or TLS")


def _ability_findings(
    path: Path, role: Role, stash: dict[str, object], capability: Capabilities, capabilities: ProtocolCapabilities
) -> Iterator[Diagnostic]:
    """Whether the protocol can do what is asked of it here."""
    asked = stash.get("encryption") if role is Role.DESTINATION else None
    usable = ", ".join(sorted(other.name for other in capabilities.values() if other.can_be(role)))
    if asked == "gpg" and not capability.archive:
        message = f"protocol {capability.name} cannot keep encrypted archives"
        yield Diagnostic("error", (*path, "encryption"), message, _instead_of_archives(capability, capabilities))
    elif role is Role.DESTINATION and asked != "gpg" and capability.archive and not capability.destination:
        message = f"protocol {capability.name} keeps datasets as encrypted archives only"
        yield Diagnostic("error", (*path, "protocol"), message, 'add "encryption": "gpg"')
    elif not capability.can_be(role):
        yield Diagnostic(
            "error", (*path, "protocol"), f"protocol {capability.name} cannot be a {role}", f"these can: {usable}"
        )


def _instead_of_archives(capability: Capabilities, capabilities: ProtocolCapabilities) -> str:
    if capability.traits.encrypts:
        return f"leave it out: {capability.name} encrypts by itself"
    return f"these can: {', '.join(sorted(other.name for other in capabilities.values() if other.archive))}"


def _kit_findings(
    path: Path, access: dict[str, object], capability: Capabilities, own: dict[str, object]
) -> Iterator[Diagnostic]:
    """Check that the protocol can read at the address that kits carry; what `KitAccess` refuses itself is not said twice."""
    try:
        KitAccess.model_validate(access)
    except ValidationError:
        return
    try:
        capability.settings.model_validate(kit_settings(own, access, capability.settings))
    except ValidationError as error:
        yield from model_findings(error, capability.settings, access, path)
