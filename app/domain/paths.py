"""Paths to places within JSON values, as problems name them: `tasks[2].config.url`.

A path that continues another one begins with `.` or `[`, so that it can be appended to it.
"""

Step = str | int
"""The name of a field, or the index of an item from 0."""


def below(path: str, *steps: Step) -> str:
    """`path`, continued by `steps` from the outermost to the innermost."""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def from_top(*steps: Step) -> str:
    """The path of a place in a value that has no name of its own; empty for the value itself."""
    return below("", *steps).removeprefix(".")
