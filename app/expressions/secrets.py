"""The names of secrets."""

import re

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}", re.ASCII)


def secret_name_problem(name: str) -> str | None:
    """Why no secret can have this name; None if one can."""
    if _NAME.fullmatch(name):
        return None
    return f"{name!r} cannot name a secret: it must be letters, digits and _ as in a variable of the environment"
