"""The rules of the house that a linter can check: who may import whom, and what the supervisor really loads."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

FORBIDDEN_IN_SUPERVISOR = {"pydantic", "gnupg", "cryptography", "paramiko", "restic", "shamir_mnemonic"}
FORBIDDEN_IN_CLIENT = FORBIDDEN_IN_SUPERVISOR | {"apscheduler", "pyudev", "paraduxd.core", "paraduxd.effects"}


def _loaded_by(module: str) -> set[str]:
    script = f"import sys, {module}; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_imports_point_one_way() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout


def test_the_supervisor_does_not_load_what_carries_secrets() -> None:
    assert not _loaded_by("paraduxd.supervisor.main") & FORBIDDEN_IN_SUPERVISOR


def test_the_client_loads_next_to_nothing() -> None:
    loaded = _loaded_by("paraductl.main")
    assert not loaded & FORBIDDEN_IN_CLIENT
    assert "rpyc" not in loaded, "rpyc is loaded when a call needs it"


HEAVY_FOR_STATUS = {"asyncio", "subprocess", "sqlite3", "multiprocessing", "urllib.request", "email", "prompt_toolkit"}
HEAVY_FOR_WORKERS = {
    "rpyc",
    "apscheduler",
    "pyudev",
    "paramiko",
    "cryptography",
    "shamir_mnemonic",
    "asyncio",
    "urllib3",
}


def test_status_loads_no_more_than_it_shows() -> None:
    loaded = _loaded_by("paraductl.main, paraductl.commands.status, paraductl.daemon.rpyc_client")
    assert not loaded & (FORBIDDEN_IN_CLIENT | HEAVY_FOR_STATUS)
    assert not {"paraduxd.api.replies.what_if", "paraduxd.api.replies.setup_forms"} & loaded


def test_a_worker_loads_no_engine_before_its_order_names_one() -> None:
    assert not _loaded_by("paraduxd.worker.main") & HEAVY_FOR_WORKERS


PAUSES = {
    "paraductl/commands/status.py": "--watch without a terminal prints a page every so often",
    "paraductl/follow.py": "only where the daemon lets no more of this user wait",
    "paraduxd/effects/ipc/accepting.py": "no descriptor is left to accept with",
    "paraduxd/effects/process/children.py": "strays of a killed session are not children yet, nothing tells of their end",
    "paraduxd/effects/tools/rsync.py": "gathers output, and the pause before a busy server is asked again",
    "paraduxd/protocols/archive/send.py": "the pause before a server is asked again",
    "paraduxd/protocols/blob_stores/throttle.py": "keeps to a rate",
    "paraduxd/supervisor/devices/usb_watcher.py": "after an event that could not be read",
    "paraduxd/supervisor/runs/launcher.py": "after an error, so that it cannot go round and round",
    "paraduxd/testing/sources.py": "a source that writes while it is read",
    "paraduxd/worker/unit_main.py": "the time that a worker has to end by itself",
}
"""Where the program may sleep, and why no event can be awaited there."""


def test_nothing_sleeps_where_an_event_can_be_awaited() -> None:
    modules = [path for part in ("paraductl", "paraduxd") for path in (ROOT / part).rglob("*.py")]
    sleeping = {
        str(path.relative_to(ROOT)) for path in modules if re.search(r"time\.sleep|\bsleep\(", path.read_text())
    }
    assert sleeping == set(PAUSES)


SHELLS = frozenset({"system", "popen", "getoutput", "getstatusoutput", "create_subprocess_shell"})
"""What hands a text to a shell, by the name under which it is called."""


def through_a_shell(text: str) -> list[int]:
    """The lines that start a program through a shell: by one of `SHELLS`, by `shell=` anything, or as `sh -c`."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call):
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            found += [node.lineno] * (called in SHELLS or any(each.arg == "shell" for each in node.keywords))
        elif isinstance(node, ast.List | ast.Tuple):
            words = [each.value for each in node.elts if isinstance(each, ast.Constant)]
            found += [node.lineno] * (
                "-c" in words and any(str(each).rpartition("/")[2] in {"sh", "bash"} for each in words)
            )
    return found


def test_no_program_is_started_through_a_shell() -> None:
    for path in [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]:
        assert through_a_shell(path.read_text()) == [], path


@pytest.mark.parametrize(
    "text",
    ["import os\nos.system(x)", "run(x, shell=y)", "from os import popen\npopen(x)", "run(['/bin/sh', '-c', x])"],
)
def test_a_shell_is_seen(text: str) -> None:
    assert through_a_shell(text)


WALKING = frozenset({"walk", "fwalk", "rmtree", "chmod", "chown", "lchown", "rglob", "copytree"})
"""What goes through a tree, or changes who may do what, by a name that somebody else could have given to something else."""

BY_NAME = {
    "effects/files/directories.py": "the one place that does it by descriptor",
    "effects/files/removing.py": "a part of it",
    "effects/devices/kit_files.py": "by the descriptor of the stick",
    "effects/crypto/gpg.py": "a private directory in memory, made by this process",
    "effects/process/hardening.py": "likewise",
    "effects/files/transport_files.py": "the state directory, or a directory in /dev/shm whose owner is looked at",
    "effects/ipc/unix_sockets.py": "the run directory, whose chain is judged before",
    "supervisor/main.py": "the state directory, which must be this user's",
    "protocols/trees/layout.py": "a private directory, made by this process",
    "protocols/pulling/gaps.py": "staging, which nobody else can enter",
    "protocols/pulling/rclone_pull.py": "likewise",
    "protocols/pulling/rsync_pull.py": "likewise",
    "protocols/pulling/set_aside.py": "likewise",
    "worker/transfer/shrunk_staging_guard.py": "likewise",
    "protocols/pulling/mounted_disks.py": "counts in a source; nothing is opened or changed",
    "editing/editor_sandbox.py": "a private directory in memory, of the calling user",
    "recovery/kit_writer.py": "a private directory beside a kit, in a folder whose chain is judged before",
}


def test_paths_of_others_go_through_the_module_of_descriptors() -> None:
    """Whoever adds a name here says why nobody else can exchange what it leads to."""
    for path in [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]:
        name = path.relative_to(ROOT).as_posix().split("/", 1)[-1]
        if name in BY_NAME or name.startswith("testing/") or "/data/" in name:
            continue
        used = {node.attr for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Attribute)}
        assert not used & WALKING, f"{name}: {sorted(used & WALKING)}; see effects/files/directories.py"


NAMES_A_PROTOCOL = {
    "core/primitives/disks.py": {"removable:"},  # what places in plans and journals begin with
    "effects/devices/block_device.py": {"removable"},  # a file in /sys
    "effects/process/run.py": {"rclone", "restic", "rsync", "sftp"},  # programs and their Debian packages
    "effects/process/worker_hosts.py": {"disk"},  # the name of a socket
    "effects/process/memory_limits.py": {"rclone", "restic", "rsync"},  # programs
    "effects/tools/rclone.py": {"rclone"},  # the program
    "effects/tools/rsync.py": {"rsync"},  # the program
    "effects/tools/tls_pins.py": {"ftp"},  # how TLS begins on a connection
    "supervisor/devices/usb_watcher.py": {"disk"},  # the kernel's kind of device
}
"""Text constants outside `paraduxd/protocols/` that are a protocol's name, or begin an address of one, for another reason."""


def protocol_names(text: str, names: set[str]) -> Iterator[str]:
    """Every text constant that is the name of a protocol or begins like an address of one: no prose, no example of a config field."""
    tree = ast.parse(text)
    shown = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg in {"examples", "description"}
        for inner in ast.walk(node)
    }
    address = re.compile(rf"({'|'.join(sorted(names))}|rsync\+ssh|file):\S*")
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and id(node) not in shown else None
        if isinstance(text, str) and (text in names or address.fullmatch(text)):
            yield text


@pytest.mark.parametrize(
    "text",
    [
        "if stash.protocol == 'memory': pass",
        "KNOWN = frozenset({'memory', 'other'})",
        "match x:\n  case 'memory': pass",
        "url.startswith('memory://')",
    ],
)
def test_a_protocol_that_is_named_is_seen(text: str) -> None:
    assert list(protocol_names(text, {"memory"}))
    assert not list(protocol_names("Field(examples=['memory']); note('in memory only')", {"memory"}))


def test_only_protocols_name_protocols() -> None:
    """What is peculiar to a protocol is a field of its declaration: ask for that. Whoever adds a name above says what else it is."""
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["paradux.protocols"]
    found = {}
    for path in [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]:
        name = path.relative_to(ROOT).as_posix().split("/", 1)[-1]
        if not name.startswith("protocols/") and "/data/" not in name:
            found[name] = set(protocol_names(path.read_text(), set(points)))
    assert {name: names for name, names in found.items() if names} == NAMES_A_PROTOCOL


def test_one_module_speaks_to_the_kernel() -> None:
    """`ctypes` checks nothing, and the kernel's numbers have names there."""
    for path in [*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]:
        if path != ROOT / "paraduxd/linux.py":
            assert "ctypes" not in path.read_text(), f"{path}: see paraduxd/linux.py"


STANDS_ALONE = ROOT / "paraduxd/keeper/kits/documents/data/recover.py"
"""For stewards: one file."""


def modules() -> Iterator[Path]:
    """Every module that is shipped and read as one of many."""
    for path in sorted([*ROOT.glob("paraduxd/**/*.py"), *ROOT.glob("paraductl/**/*.py")]):
        if path != STANDS_ALONE:
            yield path


LARGEST_MODULE, LONGEST_FUNCTION, LARGEST_FOLDER = 400, 40, 13
"""Lines, lines, modules."""

LARGER_FOLDERS = {"paraductl/commands": "one module for each subcommand, found by its name"}


def test_modules_are_small() -> None:
    """Whoever comes to this ceiling splits the module along its nouns."""
    lines = {path: len(path.read_text().splitlines()) for path in modules()}
    assert {path: count for path, count in lines.items() if count > LARGEST_MODULE} == {}


def test_functions_are_short() -> None:
    found = {}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION:
                found[f"{path}:{node.lineno}"] = node.name
    assert found == {}


def test_a_folder_is_read_at_a_glance() -> None:
    count = defaultdict[str, int](int)
    for path in modules():
        count[path.parent.relative_to(ROOT).as_posix()] += path.name != "__init__.py"
    assert {folder for folder, many in count.items() if many > LARGEST_FOLDER} == set(LARGER_FOLDERS)


NAMED_BY_WHAT_THEY_SERVE = {
    "paraductl/commands": "the subcommand",
    "paraduxd/effects/tools": "the program, which may be a protocol's as well",
    **dict.fromkeys(("trees", "archive", "restic", "rclone", "ftp"), "the part of an engine: all are cut alike"),
    "paraduxd/protocols/by_hand": "the protocol that it tells of",
}


def named_twice(paths: Iterable[str]) -> dict[str, list[str]]:
    """Names of more than one module, and where they are; without entry points, and folders where something else gives the name."""
    places = defaultdict[str, list[str]](list)
    for path in paths:
        folder, _, name = path.rpartition("/")
        served = (
            folder in NAMED_BY_WHAT_THEY_SERVE or folder.removeprefix("paraduxd/protocols/") in NAMED_BY_WHAT_THEY_SERVE
        )
        if not served and name not in {"__init__.py", "__main__.py", "main.py"}:
            places[name].append(folder)
    return {name: folders for name, folders in places.items() if len(folders) > 1}


def test_a_name_stands_for_one_module() -> None:
    assert named_twice(path.relative_to(ROOT).as_posix() for path in modules()) == {}


def test_a_name_of_two_modules_is_seen() -> None:
    assert named_twice(["paraduxd/a/x.py", "paraduxd/b/x.py", "paraduxd/a/main.py", "paraduxd/b/main.py"]) == {
        "x.py": ["paraduxd/a", "paraduxd/b"]
    }
    assert named_twice(["paraductl/commands/x.py", "paraduxd/a/x.py", "paraduxd/protocols/restic/x.py"]) == {}


def together(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(module, class) where a module knows two classes of one name: its own, those it imports, and those of modules that it uses."""
    trees = {module: ast.parse(text) for module, text in texts.items()}
    classes = {
        name: {each.name for each in tree.body if isinstance(each, ast.ClassDef)} for name, tree in trees.items()
    }
    for module, tree in trees.items():
        imported = [
            (f"{node.module}.{each.name}", node.module or "", each)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for each in node.names
        ]
        used = {each.asname or each.name: full for full, _, each in imported if full in trees}
        known = {(name, module) for name in classes[module]}
        known |= {(each.name, place) for _, place, each in imported if each.name in classes.get(place, ())}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                place = used.get(node.value.id, "")
                known |= {(node.attr, place)} if node.attr in classes.get(place, ()) else set()
        names = [name for name, _ in known]
        yield from ((module, name) for name in sorted(set(names)) if names.count(name) > 1)


def test_no_module_knows_two_classes_of_one_name() -> None:
    texts = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path.read_text() for path in modules()
    }
    assert list(together({name.removesuffix(".__init__"): text for name, text in texts.items()})) == []


def test_two_classes_of_one_name_are_seen() -> None:
    other = "class Run: ...\nclass Place: ..."
    assert list(together({"a.b": other, "c": "from a.b import Run as Other\nclass Run: ..."})) == [("c", "Run")]
    assert list(together({"a.b": other, "c": "from a import b\nclass Run: ...\nx: b.Run"})) == [("c", "Run")]
    assert list(together({"a.b": other, "c": "from a import b\nclass Run: ...\nx: b.Place"})) == []


def files_named(text: str) -> set[str]:
    """The modules that a text speaks of: `like_this.py`, with or without folders."""
    return set(re.findall(r"`((?:[\w-]+/)*[a-z]\w*\.py)`", text))


WRITTEN_BY_READERS = {"test_sqlite.py", "sqlite_protocol.py"}
"""The guide in CONTRIBUTING.md says what is in them."""


def test_modules_that_are_named_are_there() -> None:
    folders = ("paraduxd", "paraductl", "tests", "benchmarks", "contrib", "docs")
    there = [f"/{path.relative_to(ROOT).as_posix()}" for name in folders for path in ROOT.glob(f"{name}/**/*.py")]
    lost = {}
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *modules()]:
        named = files_named(path.read_text()) - WRITTEN_BY_READERS
        if missing := [name for name in named if not any(each.endswith(f"/{name}") for each in there)]:
            lost[path] = missing
    assert lost == {}
