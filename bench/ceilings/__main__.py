"""All ceilings: `python -m bench.ceilings`, with the options of `bench.command`."""

from bench.ceilings.contestants import ceiling_contestants
from bench.command import run_part
from bench.house import House, in_rounds
from bench.rest.contestants import rest_ceiling_contestants
from bench.samples import Sample


async def measure(house: House) -> list[Sample]:
    async with ceiling_contestants(house) as bare, rest_ceiling_contestants(house) as bare_rest:
        return await in_rounds(house, "ceilings", [*bare, *bare_rest])


if __name__ == "__main__":
    run_part("ceilings", measure)
