from uuid import UUID, uuid5

import pytest

from app.domain.errors import Invalid
from app.domain.run_ids import MAX_RUN_ID, NAMESPACE, RunId, derived_id, parse_run_id, text_of_key


def test_the_namespace_never_changes():
    assert UUID("217bbde7-c05e-5efd-8c46-df983a00050f") == NAMESPACE
    assert derived_id("order-1", "default") == uuid5(uuid5(NAMESPACE, "default"), "order-1")
    assert derived_id("order-1", "default") == UUID("aaa511d6-b26d-5d96-954c-319748cc876b")


@pytest.mark.parametrize(
    "given", ["0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71", "c9bf9e57-1685-4c89-bafb-ff5af830be8a", str(UUID(int=0))]
)
def test_a_uuid_is_the_id_in_every_notation(given: str):
    meant = UUID(given)
    for text in (given, given.upper(), meant.hex, meant.urn, f"{{{given}}}"):
        parsed = parse_run_id(text, "default")
        assert (parsed.ids, parsed.key) == ((meant,), None)


def test_a_text_stands_for_another_id_in_each_tenant():
    parsed = parse_run_id("order-1", "default")
    assert parsed == RunId("order-1", (derived_id("order-1", "default"),))
    assert parsed.for_new != parse_run_id("order-1", "other").for_new != parse_run_id("order-2", "other").for_new
    assert (parsed.for_new.version, text_of_key(parsed.key)) == (5, "order-1")


def test_a_derived_id_finds_its_run_but_makes_none():
    given = derived_id("order-1", "other")
    parsed = parse_run_id(str(given).upper(), "default")
    assert parsed.ids == (given, derived_id(str(given), "default"))
    assert (parsed.for_new, text_of_key(parsed.key)) == (parsed.ids[1], str(given))


@pytest.mark.parametrize("text", ["", "  ", "a" * (MAX_RUN_ID + 1), "a\x00b", "\ud800"])
def test_what_cannot_be_stored_is_no_run_id(text: str):
    with pytest.raises(Invalid) as caught:
        parse_run_id(text, "default")
    assert [problem.path for problem in caught.value.problems] == ["run_id"]


def test_keys_of_callers_are_no_run_ids():
    assert [text_of_key(key) for key in (None, "order-1", "schedule:1", "run_id:run_id:a")] == [
        None,
        None,
        None,
        "run_id:a",
    ]
