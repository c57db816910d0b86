"""How workflows and schedules are named."""

import pytest

from app.domain.callers import DEFAULT_TENANT_ID
from app.domain.errors import NotFound
from app.domain.refs import MAX_ID, Ref, parse_ref


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("7", Ref(tenant_id=DEFAULT_TENANT_ID, id=7)),
        ("007", Ref(tenant_id=DEFAULT_TENANT_ID, id=7)),
        ("a", Ref(tenant_id=DEFAULT_TENANT_ID, key="a")),
        ("a-7", Ref(tenant_id=DEFAULT_TENANT_ID, key="a-7")),
        ("Flow123", Ref(tenant_id=DEFAULT_TENANT_ID, key="Flow123")),
        ("A", Ref(tenant_id=DEFAULT_TENANT_ID, key="A")),
        (str(MAX_ID), Ref(tenant_id=DEFAULT_TENANT_ID, id=MAX_ID)),
    ],
)
def test_a_ref_is_an_id_or_a_key(text: str, ref: Ref) -> None:
    assert parse_ref(text, DEFAULT_TENANT_ID) == ref


@pytest.mark.parametrize(
    "ref",
    [
        Ref(tenant_id=DEFAULT_TENANT_ID, id=0),
        Ref(tenant_id=DEFAULT_TENANT_ID, id=MAX_ID),
        Ref(tenant_id=DEFAULT_TENANT_ID, key="0a"),
        Ref(tenant_id=DEFAULT_TENANT_ID, key="a.b_c-d"),
        Ref(tenant_id=DEFAULT_TENANT_ID, key="A.b_C-D"),
    ],
)
def test_the_text_of_a_ref_reads_back(ref: Ref) -> None:
    assert parse_ref(str(ref), DEFAULT_TENANT_ID) == ref


@pytest.mark.parametrize("kind", ["workflow", "schedule"])
@pytest.mark.parametrize(
    "text", ["", "Ä", "-1", "+1", "\u0667", "²", " 1", "a ", "a\x00", str(MAX_ID + 1), "0" * 5000, "a" * 101]
)
def test_what_can_be_neither_is_not_found(text: str, kind: str) -> None:
    with pytest.raises(NotFound) as caught:
        parse_ref(text, DEFAULT_TENANT_ID, kind)
    assert (caught.value.kind, caught.value.ref) == (kind, text)


def test_equal_names_of_two_tenants_are_two_refs() -> None:
    assert len({parse_ref(name, tenant_id) for name in ("7", "a") for tenant_id in (1, 2)}) == 4
