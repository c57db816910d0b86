"""What tenants and keys cost: `python -m bench.tenants`, with the options of `bench.command`."""

from bench.command import run_part
from bench.house import House, in_rounds
from bench.samples import Sample
from bench.tenants.contestants import tenant_contestants


async def measure(house: House) -> list[Sample]:
    async with tenant_contestants(house) as contestants:
        return await in_rounds(house, "tenants", contestants)


if __name__ == "__main__":
    run_part("tenants", measure)
