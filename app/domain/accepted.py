"""The words for the values that an option or a setting accepts."""

from collections.abc import Sequence


def number_form(kind: type, least: float | None = None, most: float | None = None, above: float | None = None) -> str:
    """`a whole number from 0 to 65535`, `a number above 0, at most 60`; without bounds `a number`."""
    noun = "a whole number" if kind is int else "a number"
    if least is not None and most is not None:
        return f"{noun} from {least:.12g} to {most:.12g}"
    parts = [
        noun if above is None else f"{noun} above {above:.12g}",
        None if least is None else f"{least:.12g} or more",
        None if most is None else f"at most {most:.12g}",
    ]
    return ", ".join(part for part in parts if part is not None)


def choice_form(choices: Sequence[str]) -> str:
    """`a, b or c`."""
    *most, last = choices
    return f"{', '.join(most)} or {last}" if most else last
