"""What a changed chain looks like, and that the first wrong entry is named."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.audit.chain import EMPTY, FIRST_PREV, body_of, hash_of
from app.audit.entry import Entry, Head, Link
from app.audit.verifying import Finding, Flaw, Verifier

START = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)


def linked(number: int, prev: bytes, entry: Entry, at: datetime | None = None) -> Link:
    at = at or START + timedelta(seconds=number)
    return Link(number, at, entry, prev, hash_of(prev, number, at, body_of(entry)))


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    for number in range(1, length + 1):
        prev = links[-1].hash if links else FIRST_PREV
        entry = Entry(1, "key:Xk3vT9aB", "key", "workflow.change", f"workflow:{number}", after='{"name":"n"}')
        links.append(linked(number, prev, entry))
    return links


def head_of(links: Sequence[Link]) -> Head:
    return Head(links[-1].number, links[-1].hash) if links else EMPTY


def found(links: Sequence[Link], head: Head | None, anchors: dict[int, bytes] | None = None) -> Finding | None:
    verifier = Verifier(anchors)
    return verifier.take(links) or verifier.end(head)


def flaw(links: Sequence[Link], head: Head | None, anchors: dict[int, bytes] | None = None) -> tuple[Flaw, int] | None:
    finding = found(links, head, anchors)
    return None if finding is None else (finding.flaw, finding.number)


def test_the_hash_is_of_the_previous_one_the_number_the_time_and_the_body():
    entry = Entry(1, "anonymous", "anonymous", "tenant.create", "tenant:sales", after='{"key":"sales"}')
    body = (
        b'{"action":"tenant.create","actor":"anonymous","actor_kind":"anonymous",'
        b'"after":"{\\"key\\":\\"sales\\"}","target":"tenant:sales","tenant_id":1}'
    )
    at = datetime(1970, 1, 1, 0, 0, 1, 2, tzinfo=UTC)
    assert body_of(entry) == body
    wanted = sha256(bytes(32) + bytes(7) + b"\x05" + bytes(5) + b"\x0f\x42\x42" + body).digest()
    assert hash_of(bytes(32), 5, at, body) == wanted


@pytest.mark.parametrize("length", [0, 1, 2, 9])
def test_a_whole_chain_has_no_flaw(length: int):
    links = chain(length)
    assert found(links, head_of(links)) is None


@pytest.mark.parametrize(
    "changed",
    [
        {"actor": "key:Someone1"},
        {"actor_kind": "token"},
        {"action": "workflow.delete"},
        {"target": "workflow:99"},
        {"request_id": "r"},
        {"ip": "192.0.2.1"},
        {"before": "{}"},
        {"after": None},
        {"tenant_id": 2},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_an_edited_field_is_found(changed: dict[str, object]):
    links = chain(5)
    links[2] = replace(links[2], entry=replace(links[2].entry, **changed))
    assert flaw(links, head_of(links)) == (Flaw.EDITED, 3)


def test_an_edited_time_or_hash_is_found():
    links = chain(3)
    moved = [links[0], replace(links[1], at=links[1].at + timedelta(microseconds=1)), links[2]]
    assert flaw(moved, head_of(links)) == (Flaw.EDITED, 2)
    rehashed = [links[0], replace(links[1], hash=bytes(32)), links[2]]
    assert flaw(rehashed, head_of(links)) == (Flaw.EDITED, 2)


def test_an_entry_that_was_edited_together_with_its_hash_is_named_by_the_next_one():
    links = chain(5)
    links[2] = linked(3, links[1].hash, replace(links[2].entry, actor="key:Someone1"))
    assert flaw(links, head_of(links)) == (Flaw.EDITED, 3)
    links[0] = linked(1, b"\x01" * 32, links[0].entry)
    assert flaw(links, head_of(links)) == (Flaw.EDITED, 1)


def test_the_last_entry_edited_with_its_hash_is_not_the_one_of_the_head():
    links = chain(3)
    edited = [*links[:2], linked(3, links[1].hash, replace(links[2].entry, actor="key:Someone1"))]
    assert flaw(edited, head_of(links)) == (Flaw.HEAD, 3)


@pytest.mark.parametrize("gone", [1, 3, 5])
def test_a_deleted_entry_is_found(gone: int):
    links = chain(5)
    assert flaw([link for link in links if link.number != gone], head_of(links)) == (Flaw.MISSING, gone)


def test_a_log_that_was_emptied_is_found():
    assert flaw([], head_of(chain(5))) == (Flaw.MISSING, 1)
    assert flaw([], None) == (Flaw.HEAD, 0)


def test_swapped_entries_are_found():
    links = chain(5)
    links[2], links[3] = replace(links[3], number=3), replace(links[2], number=4)
    finding = found(links, head_of(links))
    assert finding == Finding(3, Flaw.MOVED, "entry 3 was moved: it was written as number 4")


def test_an_entry_between_others_is_found():
    links = chain(4)
    new = linked(3, links[1].hash, replace(links[1].entry, target="workflow:66"))
    shifted = [*links[:2], new, *(replace(link, number=link.number + 1) for link in links[2:])]
    assert flaw(shifted, Head(5, links[-1].hash)) == (Flaw.INSERTED, 3)


def test_an_entry_after_the_last_one_is_found():
    links = chain(4)
    new = linked(5, links[-1].hash, links[0].entry)
    assert flaw([*links, new], head_of(links)) == (Flaw.INSERTED, 5)


def test_a_chain_that_was_written_anew_breaks_its_anchor():
    links, anew = chain(6), list[Link]()
    for link in links:
        entry = replace(link.entry, actor="key:Someone1") if link.number == 2 else link.entry
        anew.append(linked(link.number, anew[-1].hash if anew else FIRST_PREV, entry))
    assert found(anew, head_of(anew)) is None
    anchors = {1: links[0].hash, 4: links[3].hash}
    assert flaw(anew, head_of(anew), anchors) == (Flaw.ANCHOR, 4)
    assert found(links, head_of(links), anchors) is None


def test_a_chain_that_ends_before_its_anchor_has_lost_entries():
    links = chain(3)
    assert flaw(links, head_of(links), {7: bytes(32)}) == (Flaw.MISSING, 4)


@given(st.integers(1, 12), st.data())
def test_any_single_change_of_any_chain_is_found_at_its_place(length: int, data: st.DataObject):
    links = chain(length)
    head, number = head_of(links), data.draw(st.integers(1, length))
    how = data.draw(st.sampled_from(["target", "hash", "delete", "prev"]))
    index = number - 1
    link = links[index]
    if how == "target":
        links[index] = replace(link, entry=replace(link.entry, target="workflow:0"))
    elif how == "hash":
        links[index] = replace(link, hash=bytes(32))
    elif how == "prev":
        links[index] = replace(link, prev=b"\x01" * 32)
    else:
        del links[index]
    finding = found(links, head)
    assert finding is not None
    assert finding.number == number
