"""SLIP-39 shares and the kits that carry them; light enough for the client."""
