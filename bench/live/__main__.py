"""Live streams: `python -m bench.live`, with the options of `bench.command`."""

from functools import partial

from bench.command import run_part
from bench.house import House, as_far_as_possible, in_rounds
from bench.live.contestants import live_contestants
from bench.live.stopping import measure_stop
from bench.samples import Sample


async def measure(house: House) -> list[Sample]:
    async with live_contestants(house) as contestants:
        samples = await in_rounds(house, "live", contestants, house.size.scale_rounds)
    house.say("live: stop with sockets")
    house.figures += await as_far_as_possible(house, "stop with sockets", partial(measure_stop, house)) or []
    return samples


if __name__ == "__main__":
    run_part("live", measure)
