"""PostgREST's grammar: what a query means, and where one that means nothing is wrong."""

from typing import Any

import pytest

from app.api.rest.dialects.pg.queries import read_listing
from app.api.rest.dialects.pg.refused import PgRefused
from app.machines.listed import ENTITIES, WORKFLOWS
from app.machines.listing import MAX_ROWS, Being, Condition, Group, Listing, Operator


def read(query: str) -> Listing:
    return read_listing(ENTITIES, query.encode())


def shown(condition: Condition) -> Any:
    """A condition in short."""
    if isinstance(condition, Group):
        word = "or" if condition.any else "and"
        return (f"not.{word}" if condition.negated else word, *map(shown, condition.parts))
    field = condition.field
    path = "".join(f"->{'>' if field.as_text and n == len(field.path) else ''}{s}" for n, s in enumerate(field.path, 1))
    word = f"not.{condition.operator.value}" if condition.negated else condition.operator.value
    return f"{field.column.name}{path}", word, condition.value


@pytest.mark.parametrize(
    ("query", "meaning"),
    [
        ("id=eq.7", ("id", "eq", "7")),
        ("id=not.eq.7", ("id", "not.eq", "7")),
        ("entity_id=eq.", ("entity_id", "eq", "")),
        ('entity_id=eq."a"', ("entity_id", "eq", '"a"')),
        ("entity_id=eq.a.b,c)", ("entity_id", "eq", "a.b,c)")),
        ("entity_id=eq.a+b%2Bc", ("entity_id", "eq", "a b+c")),
        ("entity_id=like.*a%25b*", ("entity_id", "like", "%a%b%")),
        ("entity_id=not.ilike.*a", ("entity_id", "not.ilike", "%a")),
        ("entity_id=eq.*a", ("entity_id", "eq", "*a")),
        ("entity_id=in.(1,2,3)", ("entity_id", "in", ("1", "2", "3"))),
        ('entity_id=in.("a,b","c\\"d\\\\",e f)', ("entity_id", "in", ("a,b", 'c"d\\', "e f"))),
        ('entity_id=in.("a"b,"")', ("entity_id", "in", ('"a"b', ""))),
        ("entity_id=in.()", ("entity_id", "in", ())),
        ("entity_id=in.(,)", ("entity_id", "in", ("", ""))),
        ("entity_id=not.in.(1)", ("entity_id", "not.in", ("1",))),
        ("completed_at=is.null", ("completed_at", "is", Being.NULL)),
        ("completed_at=not.is.NULL", ("completed_at", "not.is", Being.NULL)),
        ("completed_at=is.not_null", ("completed_at", "is", Being.NOT_NULL)),
        ("entity_id=isdistinct.a", ("entity_id", "isdistinct", "a")),
        ("metadata->a=eq.1", ("metadata->a", "eq", "1")),
        ("metadata->a->0->>b=eq.1", ("metadata->a->0->>b", "eq", "1")),
        ("metadata->-1=is.null", ("metadata->-1", "is", Being.NULL)),
        ("metadata->>a-b=eq.1", ("metadata->>a-b", "eq", "1")),
        ('metadata->>"a.b"=eq.1', ("metadata->>a.b", "eq", "1")),
        ("metadata->>7x=eq.1", ("metadata->>7x", "eq", "1")),
        ('"id"=eq.1', ("id", "eq", "1")),
        ("or=(id.eq.1,status.eq.a)", ("or", ("id", "eq", "1"), ("status", "eq", "a"))),
        ("not.and=(id.eq.1)", ("not.and", ("id", "eq", "1"))),
        ("or=( id.eq.1 , and ( id.gt.2 ) )", ("or", ("id", "eq", "1 "), ("and", ("id", "gt", "2 ")))),
        (
            'or=(entity_id.in.(1,"(2)"),not.and(id.not.is.null,status.like."*,*"))',
            (
                "or",
                ("entity_id", "in", ("1", "(2)")),
                ("not.and", ("id", "not.is", Being.NULL), ("status", "like", "%,%")),
            ),
        ),
        ("and=(metadata->>a.gte.5)", ("and", ("metadata->>a", "gte", "5"))),
        (
            'or=(entity_id.eq."a\\"b",entity_id.eq."x"y)',
            ("or", ("entity_id", "eq", 'a"b'), ("entity_id", "eq", '"x"y')),
        ),
    ],
)
def test_a_filter_means(query: str, meaning: Any) -> None:
    assert [shown(one) for one in read(query).where] == [meaning]


def test_parameters_must_all_hold() -> None:
    assert [shown(one) for one in read("sequence=gte.1&sequence=lte.5&or=(id.eq.1,id.eq.2)").where] == [
        ("sequence", "gte", "1"),
        ("sequence", "lte", "5"),
        ("or", ("id", "eq", "1"), ("id", "eq", "2")),
    ]


def test_columns_are_chosen_and_renamed() -> None:
    def names(select: str) -> list[str]:
        return [f"{one.name}:{one.field.column.name}" for one in read(f"select={select}").chosen]

    assert names("id, status ") == ["id:id", "status:status"]
    assert names("number:id,metadata->a,metadata->a->0,m:metadata->>b,metadata->0") == [
        "number:id",
        "a:metadata",
        "m:metadata",
        "metadata:metadata",
    ]
    assert names("*") == names(",".join(ENTITIES.columns)) == [f"{name}:{name}" for name in ENTITIES.columns]
    assert len(names("*,again:id")) == len(ENTITIES.columns) + 1
    assert names("id,id:status") == ["id:status"]
    assert [one.name for one in read("").chosen] == list(ENTITIES.columns)


def test_an_order_says_direction_and_nulls() -> None:
    found = read("order=id,updated_at.desc,status.asc.nullsfirst,sequence.desc.nullslast,metadata->>a.nullslast").order
    assert [(one.field.column.name, one.descending, one.nulls_first) for one in found] == [
        ("id", False, None),
        ("updated_at", True, None),
        ("status", False, True),
        ("sequence", True, False),
        ("metadata", False, False),
    ]


def test_a_limit_is_lowered_to_the_largest() -> None:
    assert (read("").limit, read("limit=5&offset=7").limit, read("limit=5&offset=7").offset) == (MAX_ROWS, 5, 7)
    assert read("limit=999999999999").limit == MAX_ROWS


MANY = ",".join(["id.eq.1"] * 21)
DEEP = "and(" * 10 + "id.eq.1" + ")" * 10


@pytest.mark.parametrize(
    ("query", "code", "says"),
    [
        ("order=current_state;drop", "PGRST100", 'unexpected ";"'),
        ("order=state;drop", "42703", "entity_workflows.state"),
        ("order=id.down", "PGRST100", '"nullslast"'),
        ("order=id.desc.nulls", "PGRST100", "column 8"),
        ("order=", "PGRST100", "field name"),
        ("order=id,", "PGRST100", "end of input"),
        ("order=(SELECT 1)", "PGRST100", "column 1"),
        ("order=id--", "42703", "entity_workflows.id--"),
        ('order="id; DROP TABLE entities"', "42703", "id; DROP TABLE entities"),
        ("select=id;drop", "PGRST100", "column 3"),
        ("select=pg_sleep(1)", "42703", "pg_sleep"),
        ("select=id()", "PGRST100", "cannot be embedded"),
        ("select=id::text", "PGRST100", "cannot be cast"),
        ("select=tenant_id", "42703", "tenant_id"),
        ("select=", "PGRST100", "field name"),
        ("id=1", "PGRST100", "unknown operator"),
        ("id=eq", "PGRST100", "unknown operator"),
        ("id=EQ.1", "PGRST100", "unknown operator"),
        ("id=fts.a", "PGRST100", "there are eq, neq"),
        ("id=not.not.eq.1", "PGRST100", "unknown operator"),
        ("id=in.1", "PGRST100", '"("'),
        ("id=in.(1", "PGRST100", '")"'),
        ("id=in.(1)x", "PGRST100", "end of input"),
        ('id=in.("1', "PGRST100", "closing quote"),
        ("id=is.5", "PGRST100", "null, not_null"),
        ("nothing=eq.1", "42703", "there are id,"),
        ("id) OR (1=eq.1", "PGRST100", 'unexpected ")"'),
        ("id->a=eq.1", "42883", "operator does not exist"),
        ("metadata->=eq.1", "PGRST100", "field name"),
        ("metadata->>a->b=eq.1", "PGRST100", "end of input"),
        ("rel.id=eq.1", "42703", "entity_workflows.rel"),
        ("or=id.eq.1", "PGRST100", '"("'),
        ("or=()", "PGRST100", "field name"),
        ("or=(id.eq.1", "PGRST100", '")"'),
        ("or=(id.eq.1))", "PGRST100", "end of input"),
        ("or=(id)", "PGRST100", '"."'),
        ("or=(xor(id.eq.1))", "42703", "entity_workflows.xor"),
        ("or=(not.id.eq.1)", "42703", "entity_workflows.not"),
        (f"or=({MANY})", "54000", "21 conditions"),
        ("&".join(["id=eq.1"] * 21), "54000", "21 conditions"),
        (f"or=({MANY.rsplit(',', 1)[0]})&id=eq.1", "54000", "21 conditions"),
        (f"and=({DEEP})", "PGRST100", "nested"),
        ("and=" + "and(" * 5_000, "PGRST100", "unexpected"),
        (f"select={','.join(f'a{n}:id' for n in range(51))}", "54000", "51 columns"),
        (f"order={','.join(['id'] * 21)}", "54000", "21 columns"),
        ("select=" + "metadata" + "->a" * 11, "PGRST100", "steps"),
        ("limit=5&limit=6", "PGRST100", "twice"),
        ("limit=ten", "PGRST100", "digits"),
        ("limit=" + "9" * 5_000, "PGRST100", "digits"),
        ("offset=٣", "PGRST100", "digits"),
        ("limit=-1", "PGRST103", "greater than or equal to zero"),
        ("%00=eq.1", "PGRST100", "column 1"),
        ("x" * 60_000 + "=eq.1", "42703", "…"),
    ],
)
def test_what_means_nothing_is_refused(query: str, code: str, says: str) -> None:
    with pytest.raises(PgRefused) as refused:
        read(query)
    assert refused.value.code == code
    members = refused.value.members or {}
    text = f"{refused.value.detail} {members['details']} {members['hint']}"
    assert says in text
    assert len(text) < 1_000


def test_no_other_text_reaches_the_names_of_columns() -> None:
    listing = read("select=a:id,metadata->>b&order=id&id=eq.1&or=(status.eq.a)")
    for field in (*(one.field for one in listing.chosen), *(one.field for one in listing.order)):
        assert field.column is ENTITIES.columns[field.column.name]
    assert read_listing(WORKFLOWS, b"name=like.*").where[0].operator is Operator.LIKE  # type: ignore[union-attr]
