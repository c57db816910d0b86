"""The version of the program, that of `pyproject.toml`."""

VERSION = "0.1.0"
