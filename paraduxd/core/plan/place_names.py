"""Names and uids of places, as the plan in force has them: what is recorded goes by uid, what is asked and answered by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from paraduxd.api.frozen import dataclass
from paraduxd.core.primitives.place_identity import PlaceKey, legacy_uid


@dataclass(frozen=True)
class Places:
    """(dataset, location) -> uid. A name that the plan does not have (a notice, a place of version 0.1.0) stands for itself."""

    uids: Mapping[PlaceKey, str] = field(default_factory=dict)
    names: Mapping[str, PlaceKey] = field(default_factory=dict)

    def uid(self, dataset: str, location: str = "") -> str:
        """What is called so now."""
        return self.uids.get((dataset, location)) or legacy_uid(dataset, location)

    def name(self, uid: str, before: PlaceKey) -> PlaceKey | None:
        """What it is called now; `before` when the plan does not have it, `None` when that name is another place's by now."""
        return self.names.get(uid) or (None if before in self.uids else before)


def places_of(uids: Mapping[PlaceKey, str]) -> Places:
    """From the uids of a plan; a place without one has that of its name."""
    filled = {key: uid or legacy_uid(*key) for key, uid in uids.items()}
    return Places(filled, {uid: key for key, uid in filled.items()})
