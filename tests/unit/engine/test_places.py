"""Places of one engine: taken, left to others while an execution waits, and whom a free one is told."""

from app.engine.running.places import WAITING_PER_PLACE, Place, Places

HOG, OTHER, THIRD = 1, 2, 3


class Engine:
    def __init__(self, most: int) -> None:
        self.told = 0
        self.places = Places(most, room_made=self._tell)

    def _tell(self) -> None:
        self.told += 1

    def place(self, workflow_id: int) -> Place:
        place = Place(self.places, workflow_id)
        place.take()
        return place

    def fill(self, workflow_id: int) -> list[Place]:
        places = []
        while self.places.may_open(workflow_id):
            places.append(self.place(workflow_id))
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
    engine.places.note_waiting(everyone=False, workflow_ids={HOG})
    assert [engine.places.may_open(workflow_id) for workflow_id in (HOG, OTHER)] == [False, True]
    engine.places.note_waiting(everyone=True)
    assert [engine.places.may_open(workflow_id) for workflow_id in (HOG, OTHER)] == [False, False]
    engine.places.note_waiting(everyone=False)
    assert [engine.places.may_open(workflow_id) for workflow_id in (HOG, OTHER)] == [True, True]


def test_a_free_place_is_told_only_if_something_may_wait_for_it() -> None:
    engine = Engine(50)
    engine.place(OTHER).leave()
    assert engine.told == 0, "nothing waits"
    engine.places.note_waiting(everyone=False, workflow_ids={THIRD})
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
    assert shares.taken == {HOG: 20, OTHER: 1}
    assert shares.allowed == {HOG: 24, OTHER: 26}
    assert shares.of_others == 26
