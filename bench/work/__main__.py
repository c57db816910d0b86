"""Executions of the service: `python -m bench.work`, with the options of `bench.command`."""

from bench.command import run_part
from bench.house import House, in_rounds
from bench.samples import Sample
from bench.work.contestants import service_contestants


async def measure(house: House) -> list[Sample]:
    async with service_contestants(house) as contestants:
        return await in_rounds(house, "work", contestants)


if __name__ == "__main__":
    run_part("work", measure)
