"""The machine: one thin module per tool."""
