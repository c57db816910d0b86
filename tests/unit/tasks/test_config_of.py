"""A config that is the same for all attempts is checked and converted once."""

import pytest

from app.domain.handlers import TaskError
from app.engine.planning.data_flow import compile_flow
from app.tasks.log import LogConfig
from app.tasks.task_type import config_of
from tests.support.stories import sync


def test_a_plain_config_is_worked_out_once_for_all_attempts(attempt) -> None:
    kept = compile_flow(sync("a", config={"message": "stored"})).kept
    first = config_of(attempt({"message": "stored"}, kept=kept), LogConfig)
    assert first == LogConfig(message="stored")
    assert config_of(attempt({"message": "stored"}, kept=kept), LogConfig) is first


@pytest.mark.parametrize("options", [{"config": {"message": "${input.order}"}}, {"when": "input.order == 12"}])
def test_where_expressions_decide_each_attempt_has_its_own(attempt, options) -> None:
    kept = compile_flow(sync("a", **options)).kept
    assert kept is None
    assert config_of(attempt({"message": "one"}, kept=kept), LogConfig).message == "one"
    assert config_of(attempt({"message": "two"}, kept=kept), LogConfig).message == "two"


def test_a_wrong_config_is_told_to_every_attempt(attempt) -> None:
    kept: dict = {}
    for _ in range(2):
        with pytest.raises(TaskError, match=r"config\.message: must be a string"):
            config_of(attempt({"message": 5}, kept=kept), LogConfig)
    assert kept == {}
