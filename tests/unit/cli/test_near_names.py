import pytest

from app.cli.files.suggestions import MOST_PROBLEMS, with_near_names
from app.cli.near_names import did_you_mean, near_names
from app.domain.errors import Problem

DOCUMENT = {"tasks": [{"name": "read orders"}, {"name": "load"}, {"name": 7}, "wrong"]}


def test_near_names_are_the_nearest_first_whatever_their_case():
    assert near_names("Lod", ["load", "lad", "unlike", "Lode"]) == ["Lode", "load", "lad"]


@pytest.mark.parametrize(
    ("name", "known", "said"),
    [
        ("laod", ["load", "read"], "; did you mean 'load'?"),
        ("raed", ["read", "red"], "; did you mean 'red' or 'read'?"),
        ("unlike", ["load"], ""),
        ("", ["a"], ""),
        ("load", [], ""),
        ("x" * 10_000, ["x" * 10_000], ""),
    ],
)
def test_did_you_mean(name: str, known: list[str], said: str):
    assert did_you_mean(name, known) == said


@pytest.mark.parametrize(
    ("path", "message", "added"),
    [
        ("nmae", "is not a field of this request", "; did you mean 'name'?"),
        ("tasks[1].exection_type", "is not a field of this request", "; did you mean 'execution_type'?"),
        ("tasks[1].retry.max_attemts", "is not a field of this request", "; did you mean 'max_attempts'?"),
        ("conditions[0].source", "is not a field of this request", "; did you mean 'source_task'?"),
        ("tasks[1].zzz", "is not a field of this request", ""),
        ("tasks[0].depends_on[0]", "no task of this workflow is named 'read order'", "; did you mean 'read orders'?"),
        ("tasks[0].when", 'no task of this workflow is named "laod"', "; did you mean 'load'?"),
        ("tasks[0].config.secnds", "is not known here; known: seconds, duration", "; did you mean 'seconds'?"),
        ("tasks[0].type", "'dealy' is not a known task type; known: delay, log", "; did you mean 'delay'?"),
        ("tasks[0].when", "there is no variable 'limt'; there are limit, ratio", "; did you mean 'limit'?"),
        ("tasks[0].when", "there is no 'inptu'; an expression knows input, tasks", "; did you mean 'input'?"),
        ("tasks[0].type", "'ftp' is not a known task type; known: delay, log", ""),
        ("name", "must not be blank", ""),
        ("", "the revision is older", ""),
    ],
)
def test_problems_of_definitions_say_what_is_near(path: str, message: str, added: str):
    assert with_near_names([Problem(path, message)], DOCUMENT) == [Problem(path, message + added)]


@pytest.mark.parametrize("document", [{}, {"tasks": None}, {"tasks": "x"}], ids=str)
def test_documents_of_any_shape(document: dict):
    problem = Problem("start_task", "no task of this workflow is named 'a'")
    assert with_near_names([problem], document) == [problem]


def test_only_the_first_of_many_mistakes_are_looked_at():
    problem = Problem("tasks[0].depends_on[0]", "no task of this workflow is named 'laod'")
    found = with_near_names([problem] * 1_000, DOCUMENT)
    assert {one.message.rpartition("; ")[2] for one in found[:MOST_PROBLEMS]} == {"did you mean 'load'?"}
    assert found[MOST_PROBLEMS:] == [problem] * (1_000 - MOST_PROBLEMS)
