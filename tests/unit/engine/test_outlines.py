"""Outlines of revisions: read once, and without what has been added since a revision was stored."""

from collections.abc import Collection, Mapping
from typing import cast

import orjson

from app.engine.overview.outline import UNKNOWN, outline_of
from app.engine.overview.outlines import AT_ONCE, Outlines
from app.engine.overview.ports import OverviewStore, Revision

OLD = {"name": "w", "key": "k", "tasks": [{"id": 7, "name": "a"}]}
NEW = {
    "name": "w",
    "key": None,
    "tasks": [
        {"id": 7, "name": "a", "compensate": ["undo"], "on_failure": "continue", "for_each": "[1]"},
        {"id": 8, "name": "undo", "compensate": [], "on_failure": "fail", "for_each": None},
    ],
}


class Snapshots:
    """The part of a store that outlines need."""

    def __init__(self) -> None:
        self.asked: list[list[Revision]] = []

    async def snapshots(self, tenant_id: int, revisions: Collection[Revision]) -> Mapping[Revision, str]:
        self.asked.append(list(revisions))
        return {one: orjson.dumps(OLD).decode() for one in revisions if one.number > 0 and tenant_id == 1}


def test_an_old_snapshot_lacks_newer_fields() -> None:
    outline = outline_of(OLD)
    assert (outline.name, outline.key, outline.steps, outline.name_of(7), outline.name_of(9)) == (
        "w",
        "k",
        1,
        "a",
        None,
    )
    assert (outline.undo, outline.may_fail, outline.tasks[7].for_each) == ([], [], False)


def test_compensations_are_no_steps() -> None:
    outline = outline_of(NEW)
    assert (outline.steps, outline.undo, outline.may_fail) == (1, [8], [7])
    assert (outline.tasks[7].for_each, outline.tasks[8].undo) == (True, True)


async def test_a_revision_is_read_once_for_each_tenant() -> None:
    store = Snapshots()
    outlines = Outlines(cast(OverviewStore, store))
    first, missing = Revision(1, 1), Revision(1, 0)
    found = await outlines.get(1, {first, missing})
    assert (found[first].name, found[missing]) == ("w", UNKNOWN)
    assert (await outlines.get(1, {first}))[first] is found[first]
    assert store.asked == [[missing, first]]
    assert (await outlines.get(2, {first}))[first] is UNKNOWN


async def test_many_revisions_are_read_in_parts() -> None:
    store = Snapshots()
    wanted = {Revision(1, number) for number in range(1, 2 * AT_ONCE + 2)}
    assert len(await Outlines(cast(OverviewStore, store)).get(1, wanted)) == len(wanted)
    assert [len(asked) for asked in store.asked] == [AT_ONCE, AT_ONCE, 1]
