"""The config: its models, its field types, what a protocol can do."""
