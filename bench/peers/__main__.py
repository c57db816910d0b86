"""The peers at the same work: `python -m bench.peers`, with the options of `bench.command`."""

from bench.command import run_part
from bench.house import House, in_rounds
from bench.peers.contestants import peer_contestants
from bench.samples import Sample


async def measure(house: House) -> list[Sample]:
    async with peer_contestants(house) as contestants:
        return await in_rounds(house, "peers", contestants)


if __name__ == "__main__":
    run_part("peers", measure)
