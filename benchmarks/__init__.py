"""Benchmarks: ratios against the raw engine, measured in the same run on data made here."""
