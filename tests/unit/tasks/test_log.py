"""The `log` type: one line in the service's log, and its message as the output."""

import pytest
from structlog.testing import capture_logs

from app.domain.handlers import TaskError
from app.tasks.log import LogHandler


def test_a_message_is_logged_with_its_task_and_is_the_output(attempt) -> None:
    with capture_logs() as lines:
        output = LogHandler().run_now(attempt({"message": "stored", "fields": {"rows": [1, 2]}}))
    assert output == {"message": "stored"}
    assert lines == [
        {
            "event": "task_logged",
            "log_level": "info",
            "execution_id": "019a0000-0000-7000-8000-000000000001",
            "task": "step",
            "message": "stored",
            "fields": {"rows": [1, 2]},
        }
    ]


def test_fields_without_a_message_are_logged_and_give_no_output(attempt) -> None:
    with capture_logs() as lines:
        assert LogHandler().run_now(attempt({"fields": 0})) is None
    assert [line["fields"] for line in lines] == [0]


def test_an_empty_config_does_nothing(attempt) -> None:
    with capture_logs() as lines:
        assert LogHandler().run_now(attempt({})) is None
    assert lines == []


def test_a_wrong_config_fails_the_task(attempt) -> None:
    with pytest.raises(TaskError, match=r"config\.message: must be a string"):
        LogHandler().run_now(attempt({"message": 5}))
