"""`python -m paraduxd.supervisor.status.whatif_schema_command`: prints `schema/whatif.schema.json`."""

from __future__ import annotations

import json

from paraduxd.api.replies.what_if import SCHEMA, WhatIf
from paraduxd.core.primitives.dataclass_schema import Schema, schema_of


def schema() -> Schema:
    """The schema of the document; `places` of the config are called "from" there (`core/whatif/answer.py`)."""
    found = schema_of(WhatIf)
    found["properties"]["schema"] = {"const": SCHEMA}
    config = found["$defs"]["ConfigLeft"]
    config["properties"]["from"] = config["properties"].pop("places")
    config["required"] = sorted(config["properties"])
    return found


def main() -> None:
    """Print it."""
    print(json.dumps(schema(), indent=2))


if __name__ == "__main__":
    main()
