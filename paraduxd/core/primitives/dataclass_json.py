"""The old place of `paraduxd/api/dataclass_json.py`."""

from paraduxd.api.dataclass_json import from_json_value, to_json_value

__all__ = ["from_json_value", "to_json_value"]
