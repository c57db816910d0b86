"""Places of one engine: taken, left to others while an execution waits, and whom a free one is told."""

from app.domain.shares import Group
from app.engine.running.places import WAITING_PER_PLACE, Place, Places
from app.engine.running.ports import TenantShare, WorkflowShare

HOG, OTHER, THIRD = Group(1, 1), Group(1, 2), Group(1, 3)
NEIGHBOUR = Group(2, 9)


class Engine:
    def __init__(self, most: int, limits: dict[int, int] | None = None, several: bool = False) -> None:
        self.told = 0
        self.places = Places(most, room_made=self._tell)
        self.places.limit(limits or {}, several=several)

    def _tell(self) -> None:
        self.told += 1

    def place(self, group: Group) -> Place:
        place = Place(self.places, group)
        place.take()
        return place

    def fill(self, group: Group) -> list[Place]:
        places = []
        while self.places.may_open(group):
            places.append(self.place(group))
        return places


def test_one_workflow_leaves_places_to_others() -> None:
    engine = Engine(50)
    assert len(engine.fill(HOG)) == 45
    assert len(engine.fill(OTHER)) == 5


def test_what_is_reserved_for_a_claim_is_not_taken_by_a_start() -> None:
    engine = Engine(2)
    engine.places.reserved = 1
    engine.place(HOG)
    assert engine.places.room == 0
    assert not engine.places.may_open(OTHER)
    engine.places.reserved = 0
    assert engine.places.may_open(OTHER)


def test_an_execution_that_waits_leaves_its_place_and_gets_one_again() -> None:
    engine = Engine(1)
    place = engine.place(HOG)
    place.rest()
    place.rest()
    assert (engine.places.room, engine.places.waiting.used) == (1, 1)
    other = engine.place(OTHER)
    place.take()
    place.take()
    assert (engine.places.room, engine.places.waiting.used) == (-1, 0)
    for one in (place, other, place):
        one.leave()
    assert (engine.places.room, engine.places.waiting.used) == (1, 0)


def test_an_execution_that_leaves_while_it_waits_has_no_place_any_more() -> None:
    engine = Engine(1)
    place = engine.place(HOG)
    place.rest()
    place.leave()
    assert (engine.places.room, engine.places.waiting.used) == (1, 0)


def test_one_that_finds_no_place_to_wait_at_keeps_its_own() -> None:
    engine = Engine(2)
    for _ in range(WAITING_PER_PLACE * 2):
        place = engine.place(HOG)
        place.rest()
    assert engine.places.waiting.used == 18
    assert engine.places.room == 0
    other = engine.place(OTHER)
    other.rest()
    assert engine.places.waiting.used == 19


def test_nothing_begins_before_what_waits_for_longer() -> None:
    engine = Engine(10)
    engine.places.note_waiting(everyone=False, workflow_ids={HOG.workflow_id})
    assert [engine.places.may_open(group) for group in (HOG, OTHER)] == [False, True]
    engine.places.note_waiting(everyone=True)
    assert [engine.places.may_open(group) for group in (HOG, OTHER)] == [False, False]
    engine.places.note_waiting(everyone=False)
    assert [engine.places.may_open(group) for group in (HOG, OTHER)] == [True, True]


def test_a_free_place_is_told_only_if_something_may_wait_for_it() -> None:
    engine = Engine(50)
    engine.place(OTHER).leave()
    assert engine.told == 0, "nothing waits"
    engine.places.note_waiting(everyone=False, workflow_ids={THIRD.workflow_id})
    engine.place(OTHER).leave()
    assert engine.told == 1
    engine.places.note_waiting(everyone=False)
    hogs = engine.fill(HOG)
    hogs.pop().leave()
    assert engine.told == 2, "more of its executions may wait in the database"
    engine.place(OTHER).leave()
    assert engine.told == 2


def test_what_each_workflow_may_claim() -> None:
    engine = Engine(50)
    for _ in range(20):
        engine.place(HOG)
    engine.place(OTHER)
    shares = engine.places.shares()
    assert shares.workflows == {1: WorkflowShare(20, 24), 2: WorkflowShare(1, 26)}
    assert shares.tenants == {1: TenantShare(21, 29, 26)}
    assert shares.of_others == TenantShare(0, 29, 26)


def test_what_each_tenant_may_claim() -> None:
    engine = Engine(50, several=True)
    for group, count in ((HOG, 20), (OTHER, 1), (NEIGHBOUR, 2)):
        for _ in range(count):
            engine.place(group)
    shares = engine.places.shares()
    assert shares.tenants == {1: TenantShare(21, 22, 20), 2: TenantShare(2, 24, 22)}
    assert shares.workflows == {1: WorkflowShare(20, 18), 2: WorkflowShare(1, 20), 9: WorkflowShare(2, 22)}
    assert shares.of_others == TenantShare(0, 24, 22)


def test_a_tenant_with_many_workflows_leaves_places_to_others() -> None:
    engine = Engine(50, several=True)
    for number in range(100):
        engine.fill(Group(1, number))
    assert engine.places.working.used == 45
    assert len(engine.fill(NEIGHBOUR)) == 5


def test_no_more_executions_of_a_tenant_run_than_its_limit_allows() -> None:
    engine = Engine(50, {1: 3})
    assert engine.places.are_limited
    places = engine.fill(HOG)
    assert len(places) == 3
    assert not engine.places.may_open(OTHER)
    assert engine.places.may_open(NEIGHBOUR)
    assert engine.places.shares().tenants[1].allowed == 0
    places.pop().leave()
    assert engine.told == 1, "more of the tenant may wait in the database"
    assert engine.places.may_open(OTHER)
    assert engine.places.shares().tenants[1].allowed == 1


def test_what_a_claim_may_bring_is_not_started_beside_it() -> None:
    engine = Engine(50, {1: 3})
    engine.places.reserved = 10
    assert not engine.places.may_open(HOG)
    assert engine.places.may_open(NEIGHBOUR)


def test_one_that_waits_runs_only_while_it_has_an_attempt_outside() -> None:
    engine = Engine(50, {1: 2})
    call, timer = engine.place(HOG), engine.place(HOG)
    timer.rest()
    call.rest(has_attempts=True)
    assert engine.places.running(1) == 1
    assert len(engine.fill(OTHER)) == 1
    call.take()
    call.rest()
    assert engine.places.running(1) == 1
    call.leave()
    timer.take()
    assert engine.places.running(1) == 2, "it has begun, and goes on"


def test_one_that_ends_outside_makes_room_for_its_tenant() -> None:
    engine = Engine(50, {1: 1})
    place = engine.place(HOG)
    place.rest(has_attempts=True)
    engine.places.note_waiting(everyone=False, tenant_ids={1})
    told = engine.told
    place.leave()
    place.leave()
    assert (engine.told, engine.places.running(1)) == (told + 1, 0)


def test_tenants_are_known_before_they_come() -> None:
    engine = Engine(50)
    assert len(engine.fill(HOG)) == 45
    engine.places.limit({}, several=True)
    assert engine.places.may_open(NEIGHBOUR)
    assert not engine.places.may_open(OTHER)
