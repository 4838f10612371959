"""The thin client: imports no daemon code but the contract."""
