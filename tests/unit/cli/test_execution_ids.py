import pytest

from app.cli.errors import CliError
from app.cli.execution_ids import MOST_CANDIDATES, Candidate, digits_of, is_whole, short_ids, the_one

ONE, OTHER = "01a221dd-8de4-70c9-938c-70d3ff46b75e", "01a221dd-8de4-7111-938c-70d3aa46b75e"


def test_a_short_id_is_the_random_end():
    assert short_ids([ONE, OTHER]) == {ONE: "ff46b75e", OTHER: "aa46b75e"}


def test_short_ids_of_a_table_differ():
    twin = ONE.replace("70d3ff46b75e", "0000ff46b75e")
    assert short_ids([ONE, twin, ONE]) == {ONE: "70d3ff46b75e", twin: "0000ff46b75e"}
    brother = ONE.replace("70c9", "7111")
    assert short_ids([ONE, brother]) == {ONE: ONE, brother: brother}
    assert short_ids([]) == {}


@pytest.mark.parametrize("text", [ONE, ONE.upper(), ONE.replace("-", ""), f"{{{ONE}}}"])
def test_whole_ids_need_no_look_up(text: str):
    assert is_whole(text)
    assert not is_whole(ONE[1:])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("orders", "'orders' is not the id of an execution; `workflow list` lists what there is"),
        ("../x", "'../x' is not the id of an execution"),
        ("", "'' is not the id of an execution"),
        ("b75", "'b75' is too short for an id of an execution; give 4 digits or more"),
    ],
)
def test_what_cannot_be_a_short_id_is_refused(text: str, message: str):
    with pytest.raises(CliError) as caught:
        digits_of(text)
    assert caught.value.message.startswith(message)


def test_digits_are_read_in_any_spelling():
    assert digits_of("01A221DD-8DE4") == "01a221dd8de4"


def test_the_only_candidate_is_meant():
    assert the_one("b75e", [Candidate(ONE, "running")], "no execution") == ONE


def test_none_and_several_are_refused():
    with pytest.raises(CliError, match=r"^no execution has an id that begins or ends with 'b75e'; give the whole id$"):
        the_one("b75e", [], "no execution")
    with pytest.raises(CliError) as caught:
        the_one("b75e", [Candidate(ONE, "running"), Candidate(OTHER, "failed")], "no execution")
    assert caught.value.message.splitlines() == [
        "several executions have an id that begins or ends with 'b75e':",
        f"  {ONE}  running",
        f"  {OTHER}  failed",
    ]


def test_a_long_list_of_candidates_is_cut():
    with pytest.raises(CliError) as caught:
        the_one("b75e", [Candidate(ONE, "running")] * 100, "no execution")
    assert len(caught.value.message.splitlines()) == MOST_CANDIDATES + 2
    assert caught.value.message.endswith("\n  and more")
