"""The version of Paradux, in one place."""

VERSION = "0.2.0"
