"""`python -m paraduxd.keeper.config.schema_command > schema/paradux.schema.json`: write the JSON Schema of the config."""

from __future__ import annotations

import json

from paraduxd.core.config.views.json_schema import schema_of
from paraduxd.keeper.config.protocol_plugins import capabilities_of
from paraduxd.protocols import registry


def text() -> str:
    """The content of `schema/paradux.schema.json` for the protocols that are installed."""
    return json.dumps(schema_of(capabilities_of(registry.load())), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    print(text(), end="")
