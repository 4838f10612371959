"""The calls of a recovery: bring shares and kits, see what is there, prove it, put it into effect, or forget it all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from paraduxd.api.calls import JsonObject
from paraduxd.api.errors import ParaduxError
from paraduxd.api.replies.config import Saved
from paraduxd.api.replies.recovery import Candidate, Collected, NewerKnown, Proven, Recovered
from paraduxd.api.replies.transfer_runs import Nothing
from paraduxd.core.devices.stick_rules import PluggedIn
from paraduxd.core.recovery.candidates import CandidateConfig, age, disagreements
from paraduxd.keeper.config import generate, save
from paraduxd.keeper.recovery import commit, kits_seen, stash_search, stick_reader
from paraduxd.keeper.recovery.collected import STAYS, Collecting, Recovery, material_from_plain
from paraduxd.keeper.recovery.newer import newer
from paraduxd.keeper.recovery.share_proof import IN_VAULT, Proof, prove
from paraduxd.keeper.runtime import kit_journal
from paraduxd.keeper.runtime.incoming_passphrases import acceptable
from paraduxd.keeper.runtime.request_context import Note, RequestContext
from paraduxd.keeper.runtime.supervisor_link import questions


def recover_add(context: RequestContext, untrusted_materials: Sequence[object]) -> Collected:
    """Take what was brought, good or bad; gives the state."""
    recovery = _recovery(context)
    recovery.add([material_from_plain(material) for material in untrusted_materials])
    return recovery.state()


def recover_device(context: RequestContext, device: str) -> Collected:
    """Take what is on a stick that is plugged in, named by its block device; gives the state."""
    recovery = _recovery(context)
    recovery.add(stick_reader.materials_of(stick_reader.read_kit(PluggedIn(device)), device))
    return recovery.state()


def recover_state(context: RequestContext) -> Collected:
    """What was brought so far, also over other connections and by stick. Only looking keeps nothing in memory any longer."""
    return (context.session.kept.of(Collecting).recovery or Recovery()).state()


def recover_prove(context: RequestContext, note: Note) -> Proven:
    """Prove the secret and look for newer configs; nothing is changed."""
    recovery = _recovery(context)
    with recovery.lock:
        _need_shares(recovery)
        proof = recovery.proof = _prove(context, note, recovery)
        found_newer = newer(proof, recovery.brought)
        return Proven(
            newer=NewerKnown(found_newer.message, found_newer.needed) if found_newer else None,
            candidates=tuple(_candidate(each) for each in proof.found),
            alive=proof.vault is not None,
            epoch=proof.share_set.epoch or 0,
            owner=_owner_name(proof.found[0].document),
            datasets=tuple(_ids(proof.found[0].document, "datasets")),
            disagreements=tuple(disagreements(_published(proof))),
            notes=(*proof.refused, *_other_epochs(recovery, proof)),
        )


def recover_commit(context: RequestContext, passphrase: str, candidate: int, *, accept_older: bool) -> Recovered:
    """Make this machine the owner's Paradux, or give the one that is there a new passphrase.

    Raises `ParaduxError` "newer-exists" when something newer is known than what opens, unless the older one is accepted.
    """
    recovery = _recovery(context)
    with recovery.lock, context.session.exclusive(), context.session.saving():
        if recovery.proof is None:
            raise ParaduxError("not-proven", "nothing is proven yet, so nothing was changed", "see: paraductl recover")
        if not accept_older and (found_newer := newer(recovery.proof, recovery.brought)):
            raise found_newer.refusal()
        new = acceptable(passphrase)
        recovered = commit.commit(context.installation, recovery.proof, candidate, new)
        context.session.kept.of(Collecting).recovery = None
        context.session.keep(0)
        context.hold(recovered.opened)
        context.session.revoke_others(context.visit)
        done = _effect(context, recovered)
        holders = kits_seen.seen(recovery.brought, recovered.opened.managed, generate.now())
        kit_journal.record(context.installation.control, holders)
        questions(context.installation.control).alarm(why="the config was recovered with shares")
        return Recovered(done.serial, done.runs, done.warnings, recovered.alive)


def recover_cancel(context: RequestContext) -> Nothing:
    """Forget all that was brought."""
    context.session.kept.of(Collecting).recovery = None
    context.session.keep(0)
    return Nothing()


def _recovery(context: RequestContext) -> Recovery:
    """The recovery that is under way, or a new one; the keeper stays for it."""
    collecting = context.session.kept.of(Collecting)
    if collecting.recovery is None:
        context.session.make_way()
    context.session.keep(STAYS)
    collecting.recovery = collecting.recovery or Recovery()
    return collecting.recovery


def _need_shares(recovery: Recovery) -> None:
    if not recovery.ready:
        report = "; ".join(recovery.state().report) or "nothing was brought yet"
        raise ParaduxError("not-enough-shares", f"no secret can be made: {report}", "bring more shares of one epoch")


def _prove(context: RequestContext, note: Note, recovery: Recovery) -> Proof:
    proof = prove(recovery.brought, context.installation.vault(), context.installation.memory)
    return stash_search.look_everywhere(context.installation, proof, note)


def _published(proof: Proof) -> list[CandidateConfig]:
    """What may disagree. During a rotation the vault holds more than is published under the present epoch."""
    rotating = proof.vault is not None and any(_is_rotating(found) for found in proof.found if IN_VAULT in found.labels)
    return [found for found in proof.found if not (rotating and IN_VAULT in found.labels)]


def _is_rotating(found: CandidateConfig) -> bool:
    return found.managed.rotation is not None


def _effect(context: RequestContext, recovered: commit.RecoveredMachine) -> Saved:
    """Put a new machine into effect; for one that lives finish what an interrupted save left, if there is anything."""
    opened = recovered.opened
    if recovered.saved is not None:
        return save.put_into_effect(context.installation, recovered.saved)
    runs: tuple[int, ...] = ()
    if context.installation.state.pending.exists():
        runs = save.put_into_effect(context.installation, save.saved(context.installation, opened)).runs
    return Saved(opened.serial, runs)


def _candidate(found: CandidateConfig) -> Candidate:
    return Candidate(
        label=" = ".join(found.labels),
        epoch=found.header.epoch,
        serial=found.header.serial,
        date=found.header.date,
        instance=found.header.instance,
        generation=found.generation,
        age="in use" if IN_VAULT in found.labels else age(found.header.date, datetime.now(UTC)),
    )


def _owner_name(document: JsonObject) -> str:
    match document.get("owner"):
        case {"name": str(name)}:
            return name
    return ""


def _ids(document: JsonObject, key: str) -> list[str]:
    found = document.get(key)
    entries = found if isinstance(found, list) else []
    return [str(entry.get("id")) for entry in entries if isinstance(entry, dict)]


def _other_epochs(recovery: Recovery, proof: Proof) -> list[str]:
    """What other epochs lack, so that nobody wonders why their shares were not used."""
    others = [each for each in recovery.brought.sets if each != proof.share_set and not each.complete]
    newest = proof.newest.header.epoch
    return [
        f"epoch {each.epoch}: {len(each.held)} of {each.threshold} shares, not used"
        + ("; if that epoch was in force by the end, something newer exists" if (each.epoch or 0) > newest else "")
        for each in others
        if each.owner == proof.share_set.owner
    ]
