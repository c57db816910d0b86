"""The types that only wait: what they tell the engine to wait for."""

import json

import pytest

from app.domain.handlers import TaskError, Wait
from app.tasks.delay import DelayHandler
from app.tasks.signal import SignalHandler


@pytest.mark.parametrize("word", ["seconds", "duration"])
def test_a_delay_waits_for_its_seconds_and_answers_them(word: str) -> None:
    assert DelayHandler().wait({word: 1.5}) == Wait(seconds=1.5, output={"seconds": 1.5})


@pytest.mark.parametrize("seconds", [0, 3, 3.0, 0.25, 366 * 24 * 3600])
def test_the_output_says_whole_seconds_as_integers(seconds: float) -> None:
    output = DelayHandler().wait({"seconds": seconds}).output
    assert json.dumps(output) == json.dumps({"seconds": int(seconds) if seconds == int(seconds) else seconds})


def test_a_signal_task_waits_for_its_name_alone() -> None:
    assert SignalHandler().wait({"name": "approved"}) == Wait(signal="approved")


@pytest.mark.parametrize("handler", [DelayHandler(), SignalHandler()])
def test_a_config_that_does_not_fit_fails_for_good(handler) -> None:
    with pytest.raises(TaskError) as raised:
        handler.wait({"until": "tomorrow"})
    assert (raised.value.code, raised.value.retryable) == ("invalid_config", False)
