"""How much is computed in one turn of the event loop."""

import asyncio

from app.background.turns import Turns


async def work(turns: Turns, done: list[str], name: str, steps: int) -> None:
    await turns.next()
    turns.spend(steps)
    done.append(name)


async def test_a_turn_takes_no_more_than_its_steps_and_the_last_piece() -> None:
    turns, done = Turns(10_000), []
    await asyncio.gather(*(work(turns, done, str(n), 3_000) for n in range(50)))
    await asyncio.sleep(0)
    assert len(done) == 50
    assert 3_000 <= turns.most < 13_000


async def test_others_run_between_the_pieces() -> None:
    turns, done = Turns(10_000), []
    pieces = asyncio.gather(*(work(turns, done, "piece", 10_000) for _ in range(5)))
    while not pieces.done():
        done.append("other")
        await asyncio.sleep(0)
    between = "".join(name[0] for name in done).strip("o")
    assert "pp" not in between
    assert between.count("p") == 5


async def test_who_comes_first_goes_first() -> None:
    turns, done = Turns(1_000), []
    turns.spend(2_000)
    await asyncio.gather(*(work(turns, done, name, 2_000) for name in "abc"))
    assert done == ["a", "b", "c"]


async def test_small_steps_end_no_turn() -> None:
    turns = Turns(10_000)
    for _ in range(5):
        turns.spend(100)
        assert not turns.is_spent
    turns.spend(10_000)
    assert turns.is_spent
    await asyncio.sleep(0)
    assert not turns.is_spent
