"""`python -m paraduxd.keeper.config.check_command < FILE`: check a config without a daemon.

Writes one JSON document, {"problems": [...], "valid": bool}, for a saved config and for answers alike. Exit code 0 when valid, 5 when
not.
"""

from __future__ import annotations

import json
import sys

from paraduxd.api.errors import ExitCode
from paraduxd.core.config.capabilities import ProtocolCapabilities
from paraduxd.core.config.diagnostics import PlacedDiagnostic
from paraduxd.core.config.validation.json_positions import MAX_SIZE
from paraduxd.core.config.validation.validate import Checked, check
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry


def main() -> None:
    """Check standard input."""
    checked = check_bytes(sys.stdin.buffer.read(MAX_SIZE + 1), capabilities_of(registry.load()))
    problems = [problem.to_json_value() for problem in checked.problems]
    print(json.dumps({"problems": problems, "valid": checked.valid}, indent=1))
    sys.exit(ExitCode.DONE if checked.valid else ExitCode.INVALID_CONFIG)


def check_bytes(data: bytes, capabilities: ProtocolCapabilities) -> Checked:
    """Check a file's content: a saved config, or answers when it has neither `serial` nor `managed`."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
        return Checked(None, (PlacedDiagnostic("error", line, column, "", "expected UTF-8 text"),))
    return check(text, capabilities, answers=None)


if __name__ == "__main__":
    main()
