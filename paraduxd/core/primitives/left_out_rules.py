"""What a source leaves out, as its config says it; what that means in a tree is found by `protocols/pulling/left_out_paths.py`."""

from __future__ import annotations

from paraduxd.api.frozen import dataclass


@dataclass(frozen=True)
class LeftOut:
    """`exclude`: patterns of rsync's FILTER RULES; `markers`: names of files whose folder is left out, but for the marker; `largest`: bytes
    of a file that is taken."""

    exclude: tuple[str, ...] = ()
    caches: bool = False
    markers: tuple[str, ...] = ()
    one_file_system: bool = False
    largest: int | None = None

    def __bool__(self) -> bool:
        return self != LeftOut()
