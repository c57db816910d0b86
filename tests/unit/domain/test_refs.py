"""How workflows and schedules are named."""

import pytest

from app.domain.errors import NotFound
from app.domain.refs import MAX_ID, Ref, parse_ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("7", Ref(id=7)),
        ("007", Ref(id=7)),
        ("a", Ref(key="a")),
        ("a-7", Ref(key="a-7")),
        ("Flow123", Ref(key="Flow123")),
        ("A", Ref(key="A")),
        (str(MAX_ID), Ref(id=MAX_ID)),
    ],
)
def test_a_ref_is_an_id_or_a_key(text: str, ref: Ref) -> None:
    assert parse_ref(text) == ref


@pytest.mark.parametrize("ref", [Ref(id=0), Ref(id=MAX_ID), Ref(key="0a"), Ref(key="a.b_c-d"), Ref(key="A.b_C-D")])
def test_the_text_of_a_ref_reads_back(ref: Ref) -> None:
    assert parse_ref(str(ref)) == ref


@pytest.mark.parametrize("kind", ["workflow", "schedule"])
@pytest.mark.parametrize(
    "text", ["", "Ä", "-1", "+1", "\u0667", "²", " 1", "a ", "a\x00", str(MAX_ID + 1), "0" * 5000, "a" * 101]
)
def test_what_can_be_neither_is_not_found(text: str, kind: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse_ref(text, kind)
    assert (caught.value.kind, caught.value.ref) == (kind, text)
