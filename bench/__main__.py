"""Runs everything, in one run on one machine: `python -m bench`, with the options of `bench.command`."""

from functools import partial

from bench.ceilings.contestants import ceiling_contestants
from bench.command import run_part
from bench.house import House, as_far_as_possible, in_rounds
from bench.live.__main__ import measure as measure_live
from bench.machines.__main__ import measure as measure_machines
from bench.peers.contestants import peer_contestants
from bench.rest.__main__ import measure as measure_rest
from bench.samples import Sample
from bench.scale.__main__ import measure as measure_scale
from bench.tenants.__main__ import measure as measure_tenants
from bench.work.contestants import service_contestants


async def measure(house: House) -> list[Sample]:
    parts = {
        "executions": _measure_executions,
        "REST": measure_rest,
        "tenants": measure_tenants,
        "machines": measure_machines,
        "scale": measure_scale,
        "live": measure_live,
    }
    samples: list[Sample] = []
    for name, part in parts.items():
        samples += await as_far_as_possible(house, name, partial(part, house)) or []
    return samples


async def _measure_executions(house: House) -> list[Sample]:
    """Ceilings, service and peers take turns in every round, so that they are measured in the same minutes."""
    async with (
        peer_contestants(house) as peers,
        ceiling_contestants(house) as ceilings,
        service_contestants(house) as service,
    ):
        return await in_rounds(house, "executions", [*ceilings, *service, *peers])


if __name__ == "__main__":
    run_part("report", measure)
