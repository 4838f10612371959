"""What calls answer: frozen dataclasses, one module per noun, written and read by `api/dataclass_json.py`.

Every field is a key of the JSON, in its order. A field that a later version adds has a default, so that a client reads what an older
daemon answers; keys that it does not know are left out.
"""
