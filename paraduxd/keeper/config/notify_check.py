"""Whether something can be sent to the addresses of `notify`: found out when a config is saved, without a network.

What is in the vault already is not refused: it could not be opened any more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import count

from paraduxd.api.dataclass_json import from_json_value
from paraduxd.core.config.diagnostics import Diagnostic
from paraduxd.core.config.models import Config
from paraduxd.core.config.validation import notify_addresses
from paraduxd.core.plan.transport import Transport
from paraduxd.core.runs.keeper_results import AddressesChecked
from paraduxd.core.runs.orders import Order, Step
from paraduxd.effects.files import transport_files
from paraduxd.effects.process.run import sealed_file
from paraduxd.keeper.runtime import workers

PATIENCE = 60.0
"""Seconds."""

_numbers = count(1)


def findings(config: Config, old: Config | None) -> Iterator[Diagnostic]:
    """An error for each address that is new and that nothing can be sent to."""
    kept = set(old.notify) if old else set()
    new = [index for index, address in enumerate(config.notify) if address not in kept]
    unknown = set(notify_addresses.unknown(config.notify))
    for index in new:
        if index in unknown:
            yield Diagnostic("error", ("notify", index), *notify_addresses.why(config.notify[index]))
    known = [index for index in new if index not in unknown]
    bad = _unfit([config.notify[index] for index in known])
    for place, forms in bad.items():
        hint = f"its forms: {', '.join(forms)}" if forms else "see https://appriseit.com/services/"
        message = "nothing can be sent to this address: a part of it is missing or misplaced"
        yield Diagnostic("error", ("notify", known[place]), message, hint)


def _unfit(addresses: Sequence[str]) -> dict[int, tuple[str, ...]]:
    if not addresses:
        return {}
    with sealed_file(transport_files.content(Transport(address="\n".join(addresses)))) as (descriptor, path):
        order = Order(next(_numbers), Step.NOTIFY_CHECK, "", "notify", path)
        found = workers.run_order(order, pass_fds=(descriptor,), timeout=PATIENCE)
    checked = from_json_value(AddressesChecked, found)
    return {int(index): forms for index, forms in checked.unfit.items()}
