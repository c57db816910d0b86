"""What a transition costs: `python -m bench.machines`, with the options of `bench.command`."""

from bench.command import run_part
from bench.house import House, in_rounds
from bench.machines.contestants import machine_contestants
from bench.samples import Sample


async def measure(house: House) -> list[Sample]:
    async with machine_contestants(house) as contestants:
        return await in_rounds(house, "machines", contestants)


if __name__ == "__main__":
    run_part("machines", measure)
