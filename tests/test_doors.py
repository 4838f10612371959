"""What comes from outside passes the doors: bounded readers, the bounded JSON parser, the reader of times. Nobody goes around them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent

ALLOWED = {
    ("paraduxd/api/bounded_json.py", "json.loads"): "the door itself",
    ("paraduxd/api/bounded_json.py", "float"): "the door itself: at most 40 characters, finite",
    ("paraduxd/core/primitives/timestamps.py", "fromisoformat"): "the door for times",
    (
        "paraduxd/core/config/validation/json_positions.py",
        "json.loads",
    ): "the door for configs: one text of what was measured before",
    (
        "paraduxd/core/config/validation/json_positions.py",
        "float",
    ): "the door for configs: at most 40 characters, finite",
    ("paraduxd/core/config/field_types.py", "fromisoformat"): "of a config that passed its door",
    ("paraduxd/core/primitives/durations.py", "float"): "of a config that passed its door",
    ("paraduxd/api/dataclass_json.py", "float"): "a whole number that passed the door",
    ("paraduxd/core/runs/backoff.py", "float"): "a number of ours",
    ("paraduxd/effects/tools/rsync.py", "float"): "digits of a regular expression, in a line of bounded length",
    (
        "paraduxd/protocols/restic/rest/http_failures.py",
        "float",
    ): "digits of a regular expression, in a line of bounded length",
    ("paraduxd/effects/devices/block_device.py", "read_text"): "attributes of the kernel: a page at most",
    ("paraduxd/effects/process/kernel.py", "read_text"): "attributes of the kernel: a page at most",
    ("paraduxd/effects/installation/own_names.py", "read_text"): "files of this machine's root",
    ("paraduxd/effects/tools/tar.py", "read_text"): "attributes of the kernel: a page at most",
    (
        "paraduxd/protocols/pulling/in_place_scan.py",
        "read_bytes",
    ): "what we have written; it grows with the dataset",
    ("paraduxd/effects/process/run.py", "communicate"): "after a kill, to reap",
    ("paraduxd/keeper/kits/documents/sheet.py", "fromisoformat"): "a time of ours",
    ("paraduxd/keeper/kits/documents/texts.py", "json.loads"): "a file of the program",
    ("paraduxd/keeper/kits/documents/texts.py", "read_text"): "a file of the program",
    ("paraduxd/keeper/runtime/shipped_tools.py", "read_text"): "a file of the program",
    ("paraduxd/keeper/kits/documents/data/recover.py", "json.loads"): "stands alone, with a door of its own: `parse`",
    ("paraduxd/keeper/kits/documents/data/recover.py", "float"): "stands alone, with a door of its own: `parse`",
    ("paraduxd/keeper/kits/documents/data/recover.py", "subprocess.run"): "stands alone; gpg's output has --max-output",
    ("paraductl/arguments.py", "fromisoformat"): "what its user typed",
    ("paraductl/daemon/channels.py", "read_bytes"): "what the kernel says of a process: a line",
    ("paraductl/completion/shells.py", "read_text"): "a file of the program",
    ("paraductl/installation/service_files.py", "read_text"): "a file of the program",
    ("paraductl/recovery/restore_all.py", "fromisoformat"): "what its user typed, or the daemon told",
    ("paraductl/commands/history.py", "fromisoformat"): "what the daemon told",
    ("paraductl/report/age_chart.py", "fromisoformat"): "what the daemon told",
    ("paraduxd/api/phrases.py", "fromisoformat"): "a time of ours, or what the daemon told",
    ("paraductl/terminal/prometheus.py", "fromisoformat"): "what the daemon told",
    ("paraductl/terminal/wording.py", "fromisoformat"): "what the daemon told",
    ("paraductl/commands/check.py", "subprocess.run"): "our own checker, of the user's own text",
    ("paraductl/recovery/kit_writer.py", "read_bytes"): "a kit that it has just written, to compare",
    ("paraductl/terminal/input_files.py", "read()"): "the user's own file",
    ("paraductl/terminal/input_files.py", "read_bytes"): "the user's own file",
    ("paraductl/terminal/terminal.py", "readline()"): "the user's own terminal",
}
"""File and what it does there -> why it may."""


def _calls(path: Path) -> Iterator[str]:
    """What a module does that only the doors may do."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        name, bare = ast.unparse(node.func), not node.args and not node.keywords
        last = name.rpartition(".")[2]
        if name in ("json.loads", "json.load"):
            yield name
        elif last in ("communicate", "read_text", "read_bytes", "fromisoformat") and "." in name:
            yield last
        elif last == "read" and bare and "." in name:
            yield "read()"
        elif last == "readline" and bare and "." in name:
            yield "readline()"
        elif name == "float":
            yield "float"
        elif name in ("subprocess.run", "subprocess.check_output"):
            yield name


def _found() -> set[tuple[str, str]]:
    paths = [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]
    return {
        (str(path.relative_to(ROOT)), call)
        for path in paths
        if "paraduxd/testing" not in str(path)
        for call in _calls(path)
    }


def test_nobody_goes_around_the_doors() -> None:
    assert _found() - set(ALLOWED) == set(), (
        "use paraduxd/effects/files/bounded.py, api/bounded_json.py or core/primitives/timestamps.py"
    )


def test_every_exception_is_one() -> None:
    assert set(ALLOWED) - _found() == set()
