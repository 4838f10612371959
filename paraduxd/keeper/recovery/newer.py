"""What is known to be newer than all that opens, in sentences: the older one is taken only by somebody who has been told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass
from paraduxd.core.recovery.candidates import Named, later
from paraduxd.keeper.recovery.share_proof import Proof

if TYPE_CHECKING:
    from paraduxd.shares.collection import ShareCollection, ShareSet

CODE = "newer-exists"

_NAMED = 3


@dataclass(frozen=True)
class Newer:
    """`message`: what newer thing is told of, and what opens instead; `needed`: what would open it."""

    message: str
    needed: str

    def refusal(self) -> ParaduxError:
        """Why nothing older is taken without a word."""
        hint = f"{self.needed}; or take the older one: paraductl recover --accept-older"
        return ParaduxError(CODE, f"{self.message}; nothing was changed", hint)


def newer(proof: Proof, brought: ShareCollection) -> Newer | None:
    """What is newer than the newest config that opens, if anything says so. The vault of a living machine is what it is."""
    if proof.vault is not None or not (unopened := later(proof.named, proof.found)):
        return None
    newest = proof.newest.header
    told = "; ".join(each.text for each in unopened[:_NAMED])
    message = f"something newer exists than what can be opened, which is serial {newest.serial} of epoch {newest.epoch}: {told}"
    return Newer(message, "; ".join(dict.fromkeys(_needed(unopened, proof, brought))))


def _needed(unopened: tuple[Named, ...], proof: Proof, brought: ShareCollection) -> Iterator[str]:
    opened = {each.header.epoch for each in proof.found}
    sets = {each.epoch: each for each in brought.sets if each.owner == proof.owner}
    for each in unopened[:_NAMED]:
        if each.generation:
            yield "bring kits that the machine has written which took over"
        elif each.epoch in opened:
            yield f"bring another copy of config-{each.epoch}-{each.serial}.gpg: paraductl recover --config FILE"
        elif each.epoch in sets and not sets[each.epoch].complete:
            yield _shares(sets[each.epoch])
        else:
            yield f"bring kits of epoch {each.epoch}"


def _shares(found: ShareSet) -> str:
    others = f" ({', '.join(found.missing)} could help)" if found.missing else ""
    return f"bring {found.threshold - len(found.held)} more of the shares of epoch {found.epoch}{others}"
