"""How cost grows: `python -m bench.scale`, with the options of `bench.command`."""

from functools import partial

from bench.command import run_part
from bench.house import House, as_far_as_possible, in_rounds
from bench.samples import Sample
from bench.scale.contestants import scale_contestants
from bench.scale.memory import measure_memory
from bench.scale.recovery import measure_recovery


async def measure(house: House) -> list[Sample]:
    samples = await as_far_as_possible(house, "scale", partial(_in_rounds, house))
    for name, take in (("memory per execution", measure_memory), ("recovery after a kill", measure_recovery)):
        house.say(f"scale: {name}")
        house.figures += await as_far_as_possible(house, name, partial(take, house)) or []
    return samples or []


async def _in_rounds(house: House) -> list[Sample]:
    async with scale_contestants(house) as contestants:
        return await in_rounds(house, "scale", contestants, house.size.scale_rounds)


if __name__ == "__main__":
    run_part("scale", measure)
