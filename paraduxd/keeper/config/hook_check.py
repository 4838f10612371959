"""Whether what is to run before and after pulls is there and in the right hands: told when a config is saved, and again at each pull.

It is no error: the programs may come later, and a recovered machine has none of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from paraduxd.core.config.diagnostics import Diagnostic
from paraduxd.core.config.models import Config
from paraduxd.effects.installation import hook_programs


def findings(config: Config) -> Iterator[Diagnostic]:
    """A warning for each program that would not be started."""
    for index, dataset in enumerate(config.datasets):
        for key, name in (("before", dataset.source.before), ("after", dataset.source.after)):
            if name and (reason := hook_programs.distrusted(name)):
                message = f"the program in {hook_programs.FOLDER} cannot be run as it is: {reason}"
                hint = "an executable file of root's that nobody else may write: see docs/how-to/hooks.md"
                yield Diagnostic("warning", ("datasets", index, "source", key), message, hint)
