import pytest

from app.domain.handlers import TaskError
from examples.flaky_import.functions import connect, load


def test_the_first_attempts_fail_and_the_next_one_succeeds(attempt):
    for number in (1, 2):
        with pytest.raises(TaskError) as caught:
            connect(2, attempt(number=number))
        assert (caught.value.code, caught.value.retryable) == ("source_busy", True)
    assert connect(2, attempt(number=3)) == {"connected_at_attempt": 3}


async def test_a_bad_row_fails_for_good(attempt, reports):
    with pytest.raises(TaskError) as caught:
        await load("orders.csv", 0, attempt())
    assert caught.value.message == "line 7: the price of order F6 is 'one hundred', which is no number"
    assert (caught.value.code, caught.value.retryable) == ("bad_row", False)
    assert reports[-1] == (62.5, "row 5 of 8: Headphones")


async def test_good_rows_are_added_up(attempt, monkeypatch, tmp_path):
    monkeypatch.setattr("examples.flaky_import.functions.HERE", tmp_path)
    (tmp_path / "good.csv").write_text("order_id,product,quantity,unit_price\nF1,Notebook,3,4.99\nF2,Lamp,1,34.90\n")
    assert await load("good.csv", 0, attempt()) == {"rows": 2, "revenue": "49.87"}
