"""The status as text that Prometheus reads, for the textfile collector of node_exporter.

Format: https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4). Times are seconds since 1970, sizes bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from paraductl.terminal.text import printable
from paraduxd.api.frozen import dataclass
from paraduxd.api.replies.state import DatasetState, DestinationState, Status

_LEVELS = {"ok": 0, "warning": 1, "critical": 2}

Samples = Iterable[tuple[Mapping[str, str], float | None]]


@dataclass(frozen=True)
class _Metric:
    """One metric; what has no value has no sample."""

    name: str
    text: str
    samples: Samples

    def lines(self) -> Iterator[str]:
        found = [(labels, value) for labels, value in self.samples if value is not None]
        if found:
            yield f"# HELP paradux_{self.name} {self.text}"
            yield f"# TYPE paradux_{self.name} gauge"
        for labels, value in found:
            named = ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items())
            yield f"paradux_{self.name}{{{named}}} {value:.15g}" if named else f"paradux_{self.name} {value:.15g}"


def exposition(status: Status) -> str:
    """The metrics, a line each, in an order that does not change."""
    return "".join(
        f"{line}\n" for metric in (*_whole(status), *_datasets(status), *_keys(status)) for line in metric.lines()
    )


def _whole(status: Status) -> Iterator[_Metric]:
    yield _Metric("info", "The version of the daemon.", [({"version": status.daemon.version}, 1)])
    yield _Metric("level", "How everything is: 0 ok, 1 warning, 2 critical.", [({}, _LEVELS.get(status.level, 2))])
    yield _Metric(
        "problems",
        "Problems by level.",
        [({"level": level}, _count(status, level)) for level in ("warning", "critical")],
    )
    problems = [({"level": each.level, "code": each.code, "subject": each.subject}, 1.0) for each in status.problems]
    yield _Metric(
        "problem",
        "A problem that status lists.",
        {tuple(labels.items()): (labels, one) for labels, one in problems}.values(),
    )
    yield _Metric("recoverable", "Whether everything could be recovered today.", [({}, status.recoverable.today)])
    yield _Metric("proven_seconds", "When a drill last proved it.", [({}, _seconds(status.recoverable.proven))])
    yield _Metric(
        "survives_any", "How many losses are survived, whichever they are.", [({}, status.recoverable.survives_any)]
    )
    yield _Metric("locked", "Whether the vault is locked.", [({}, status.daemon.locked)])
    yield _Metric("runs", "Runs that go on.", [({}, len(status.running))])


def _datasets(status: Status) -> Iterator[_Metric]:
    datasets = [({"dataset": each.id}, each) for each in status.datasets]
    yield _Metric(
        "dataset_ok", "Whether a dataset is as it should be.", [(name, _is_well(each)) for name, each in datasets]
    )
    pulled = [(name, _seconds(each.source.last_success)) for name, each in datasets]
    yield _Metric("pull_last_success_seconds", "When the source was last read to its end.", pulled)
    yield _Metric("staging_files", "Files in staging.", [(name, each.staging.files) for name, each in datasets])
    yield _Metric("staging_bytes", "Bytes in staging.", [(name, each.staging.bytes) for name, each in datasets])
    proven = [(name, _seconds(each.proven)) for name, each in datasets]
    yield _Metric("dataset_proven_seconds", "When a drill last restored a sample of a dataset.", proven)
    places = [({**name, "destination": each.id}, each) for name, dataset in datasets for each in dataset.destinations]
    yield _Metric(
        "destination_ok", "Whether a destination is as it should be.", [(name, _is_well(each)) for name, each in places]
    )
    for field, text in _TIMES.items():
        yield _Metric(f"{field}_seconds", text, [(name, _seconds(getattr(each, field))) for name, each in places])
    yield _Metric("versions", "Versions at a destination.", [(name, each.versions) for name, each in places])
    yield _Metric("destination_bytes", "Bytes at a destination.", [(name, each.bytes) for name, each in places])


_TIMES = {
    "last_success": "When a version was last written to a destination.",
    "last_verified": "When a destination was last verified.",
    "last_restored": "When something was last restored from a destination.",
    "overdue_since": "Since when a destination waits for a version.",
}


def _keys(status: Status) -> Iterator[_Metric]:
    stashes = [({"stash": each.id}, each) for each in status.metadata_stashes]
    yield _Metric(
        "stash_current",
        "Whether a metadata stash holds the config in force.",
        [(name, each.current) for name, each in stashes],
    )
    yield _Metric("config_serial", "The serial of the config in force.", [({}, status.config.serial)])
    stewards = [({"steward": each.id}, each) for each in status.stewards]
    yield _Metric(
        "kit_current",
        "Whether a steward's kit is of the epoch in force.",
        [(name, each.current) for name, each in stewards],
    )
    seen = [(name, _seconds(each.last_seen)) for name, each in stewards]
    yield _Metric("kit_last_seen_seconds", "When a steward's kit was last seen here.", seen)


def _is_well(each: DatasetState | DestinationState) -> bool:
    return each.state in ("ok", "running")


def _count(status: Status, level: str) -> int:
    return sum(each.level == level for each in status.problems)


def _seconds(moment: str | None) -> float | None:
    return None if moment is None else datetime.fromisoformat(moment).timestamp()


def _escaped(text: str) -> str:
    return printable(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
