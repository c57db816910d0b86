"""The defects of a process: it stops at the first and raises that one."""

import pytest

from app.background.defects import Defects


def test_a_process_without_defects_goes_on() -> None:
    stops: list[str] = []
    defects = Defects()
    defects.on_first(lambda: stops.append("stop"))
    defects.raise_first()
    assert stops == []


def test_the_first_defect_stops_all_and_is_raised() -> None:
    stops: list[str] = []
    defects, first = Defects(), ZeroDivisionError("first")
    defects.on_first(lambda: stops.append("one"))
    defects.on_first(lambda: stops.append("other"))
    defects.report(first)
    defects.report(ZeroDivisionError("second"))
    assert stops == ["one", "other"]
    with pytest.raises(ZeroDivisionError) as caught:
        defects.raise_first()
    assert caught.value is first


def test_what_comes_after_the_first_defect_stops_at_once() -> None:
    stops: list[str] = []
    defects = Defects()
    defects.report(ZeroDivisionError("early"))
    defects.on_first(lambda: stops.append("stop"))
    assert stops == ["stop"]
