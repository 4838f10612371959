"""What a machine needs besides the program itself: systemd units, the group, directories, manual pages, completion.

It lies in `share/` of the program's environment (the wheel brings it); here it gets the paths of this very program.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from paraductl.completion import shells
from paraduxd.api.errors import ParaduxError
from paraduxd.api.frozen import dataclass

UNITS = (
    *("paradux-transfer.socket", "paradux-disk.socket", "paradux-transfer@.service", "paradux-disk@.service"),
    "paraduxd.service",
)
_OTHERS = {"paradux.sysusers": "lib/sysusers.d/paradux.conf", "paradux.tmpfiles": "lib/tmpfiles.d/paradux.conf"}
_COMPLETIONS = {
    "bash": "share/bash-completion/completions/{}",
    "zsh": "share/zsh/site-functions/_{}",
    "fish": "share/fish/vendor_completions.d/{}.fish",
}


@dataclass(frozen=True)
class Places:
    """Where things are and go. `root` stands in front of all of them: "/", or the tree of a package or image.

    `home`: the environment of the program; `programs`: the directory of the commands; `prefix`: below it lie units and the rest;
    `share`: what came with the program, where that lies now.
    """

    home: Path
    programs: Path
    prefix: Path
    root: Path
    share: Path

    def inside(self, path: Path) -> Path:
        """Where a path of the installed machine lies now."""
        return self.root / path.relative_to("/")


def write(places: Places) -> list[Path]:
    """Put everything in its place, over what was there; gives the paths, without `root`."""
    _remove_pages(places)
    written = []
    for name, text in _texts(places):
        path = places.prefix / name
        places.inside(path).parent.mkdir(parents=True, exist_ok=True)
        places.inside(path).write_text(text, encoding="utf-8")
        written.append(path)
    for page in sorted((places.share / "man").glob("man[18]/paradu*.[18]")):
        path = places.prefix / "share/man" / page.parent.name / page.name
        places.inside(path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(page, places.inside(path))
        written.append(path)
    return written


def remove(places: Places) -> None:
    """Take all of it away."""
    _remove_pages(places)
    units = [f"lib/systemd/system/{unit}" for unit in UNITS]
    completions = [place.format(name) for place in _COMPLETIONS.values() for name in ("paraductl", "paraduxd")]
    for name in (*units, *_OTHERS.values(), *completions):
        places.inside(places.prefix / name).unlink(missing_ok=True)


def _texts(places: Places) -> Iterator[tuple[str, str]]:
    names = {unit: f"lib/systemd/system/{unit}" for unit in UNITS} | _OTHERS
    for name, target in names.items():
        text = _shipped(places.share / "paradux/systemd" / name)
        yield target, text.replace("@BIN@", str(places.programs)).replace("@HOME@", str(places.home))
    for shell, target in _COMPLETIONS.items():
        yield target.format("paraductl"), shells.script(shell, str(places.programs / "paraductl"))
        yield target.format("paraduxd"), _shipped(places.share / f"paradux/completion/paraduxd.{shell}")


def _remove_pages(places: Places) -> None:
    """Another version may have other commands."""
    for page in places.inside(places.prefix / "share/man").glob("man[18]/paradu*.[18]"):
        page.unlink()


def _shipped(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ParaduxError(
            "failed",
            f"{path} is missing, which comes with the wheel of Paradux",
            "from a checkout use contrib/install, or contrib/wheel and pipx",
        ) from None
