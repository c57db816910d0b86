"""Paths to places within JSON values, as problems name them: `tasks[2].config.url`.

A path that goes on from another one begins with `.` or `[`, so that it can be put behind it.
"""

Step = str | int
"""The name of a field, or the index of an item from 0."""


def below(path: str, *steps: Step) -> str:
    """The path that leads on from `path` by `steps`, from the outermost to the innermost."""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def from_top(*steps: Step) -> str:
    """The path of what stands within a whole that has no name of its own; empty for the whole."""
    return below("", *steps).removeprefix(".")
