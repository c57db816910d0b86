"""What was used last is kept, in a bounded number."""

import pytest

from app.domain.recently_used import RecentlyUsed


def kept(entries: RecentlyUsed[str, int]) -> str:
    return "".join(key for key in "abcdef" if key in entries)


def test_the_entry_whose_last_use_is_the_longest_ago_goes() -> None:
    entries: RecentlyUsed[str, int] = RecentlyUsed(3)
    assert [entries.put(key, number) for number, key in enumerate("abc")] == [None, None, None]
    assert entries.get("a") == 0
    assert entries.put("d", 3) == 1
    assert kept(entries) == "acd"
    entries.put("c", 20)
    assert [entries.put("e", 4), entries.put("f", 5)] == [0, 3]
    assert kept(entries) == "cef"
    assert entries.get("c") == 20
    assert len(entries) == 3


def test_to_ask_whether_there_is_one_is_no_use() -> None:
    entries: RecentlyUsed[str, int] = RecentlyUsed(2)
    entries.put("a", 1)
    entries.put("b", 2)
    assert "a" in entries
    assert entries.put("c", 3) == 1


def test_a_value_may_be_none() -> None:
    entries: RecentlyUsed[str, int | None] = RecentlyUsed(2)
    entries.put("a", None)
    assert "a" in entries
    assert entries.get("a") is None


def test_entries_may_be_taken_out() -> None:
    entries: RecentlyUsed[str, int] = RecentlyUsed(3)
    for number, key in enumerate("abc"):
        entries.put(key, number)
    assert (entries.pop("b"), entries.pop("b")) == (1, None)
    assert entries.pop_oldest() == 0
    entries.clear()
    assert len(entries) == 0
    with pytest.raises(KeyError):
        entries.pop_oldest()
