"""REST compared with its ceilings and the usual way: `python -m bench.rest`, with the options of `bench.command`."""

from bench.command import run_part
from bench.house import House, in_rounds
from bench.rest.contestants import rest_ceiling_contestants, rest_contestants
from bench.samples import Sample


async def measure(house: House) -> list[Sample]:
    async with rest_ceiling_contestants(house) as ceilings, rest_contestants(house) as service:
        return await in_rounds(house, "REST", [*ceilings, *service])


if __name__ == "__main__":
    run_part("rest", measure)
