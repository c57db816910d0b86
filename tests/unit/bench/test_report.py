"""What several rounds say together, and how the report shows it."""

import pytest

from bench.house import Figure
from bench.report import markdown
from bench.samples import Sample, Samples, Spread, percentile, rate, ratio, spread
from bench.scale.memory import PER_RUNNING
from bench.targets import TARGETS, Run, scale_targets
from bench.work.contestants import ALONE, STREAM


def sample(subject: str, operations: int, round: int = 0, work: str = "seq3", concurrency: int = 1, **more) -> Sample:
    return Sample(subject, work, concurrency, operations, 2.0, operations, task_runs=3, round=round, **more)


def target(start: str):
    return next(target for target in TARGETS if target.what.startswith(start))


def test_a_ratio_is_taken_within_each_round():
    one = {0: 10.0, 1: 30.0, 2: 80.0}
    assert ratio(one, {0: 5.0, 1: 10.0, 2: 20.0}) == Spread(3.0, 2.0, 4.0, 3)
    assert ratio(one, {1: 10.0}) == Spread(3.0, 3.0, 3.0, 1)
    assert ratio(one, {}) is None


def test_the_best_of_a_round_is_chosen_among_all_numbers_of_callers():
    found = Samples([sample("a", 10), sample("a", 40, concurrency=64), sample("a", 30, round=1), sample("b", 99)])
    assert found.of("a", "seq3").best(rate) == {0: 20.0, 1: 15.0}
    assert found.among(("a", "b"), "seq3").best(rate) == {0: 49.5, 1: 15.0}
    assert found.of("a", "seq100").best(rate) == {}


def test_a_value_that_is_not_known_counts_for_nothing():
    known = sample("a", 4, end_ms={"p50": 3.0, "p99": 9.0}, stored_bytes=800)
    found = Samples([known, sample("a", 10, round=1)])
    assert found.spread(percentile("p99")) == spread([9.0])
    assert found.per_operation(lambda one: one.stored_bytes) == 200
    assert found.per_operation(lambda one: one.wal_bytes) is None


def test_the_service_is_held_against_the_best_peer_of_each_round():
    run = Run(
        Samples(
            [
                *(sample(STREAM, 600, number) for number in range(2)),
                *(sample("DBOS", 100, number) for number in range(2)),
                sample("Celery", 200, 1),
            ]
        ),
        (),
    )
    wanted = target("`seq3` full stream against the best peer")
    found = wanted.measured(run)
    assert found == Spread(4.5, 3.0, 6.0, 2)
    assert wanted.is_reached(found) is False
    assert target("`seq3` engine alone against the best peer").measured(run) is None


@pytest.mark.parametrize(("bytes_each", "reached"), [(9_000.0, True), (11_000.0, False)])
def test_less_is_better_for_memory(bytes_each, reached):
    wanted = target(PER_RUNNING)
    found = wanted.measured(Run(Samples([]), [Figure(PER_RUNNING, bytes_each, "bytes")]))
    assert wanted.is_reached(found) is reached


def test_the_most_stored_is_held_against_the_fewest():
    few, many = (sample(ALONE, calls, work=f"seq3, {text} stored") for calls, text in ((100, "10"), (95, "1,000")))
    wanted = next(one for one in scale_targets((10, 1_000), (0, 5)) if one.what.startswith("engine alone"))
    assert wanted.measured(Run(Samples([few, many]), ())) == spread([0.95])


def test_the_report_shows_what_was_measured_and_leaves_out_what_was_not():
    about = {
        "made": "today",
        "size": {"name": "quick", "rounds": 2, "seconds": 0.5},
        "figures": [],
        "remarks": ["Celery is left out: there is no Redis"],
        "machine": {"cores": 2},
        "packages": {"grpcio": "1.85.1"},
        "postgresql": {"fsync": "on"},
        "settings": {},
        "conditions": [{"part": "work", "round": 0, "calibration_ms": 12.34, "stolen_share": None}],
    }
    reach = {"what": "a ratio", "goal": 0.6, "at_most": False, "unit": "", "reached": True}
    reach["measured"] = {"median": 0.7, "low": 0.65, "high": 0.75, "rounds": 2}
    cpu = {"client": 0.3, "server": 0.6}
    samples = [sample(STREAM, 300, number, cpu_seconds=cpu, peak_bytes={"server": 80_000_000}) for number in range(2)]
    text = markdown("work", about, [reach], samples)
    assert "| a ratio | ≥ 0.6 | 0.7 (0.65 … 0.75) | ratio | yes |" in text
    assert "| full stream | seq3 | 1 | 150 (150 … 150) | 450 (450 … 450) | - | - | - | - |" in text
    assert "| full stream | seq3 | 1 | client 1, server 2 | - | - | - | server 80 |" in text
    assert "- Celery is left out: there is no Redis" in text
    assert "- fsync: on" in text
    assert "## REST" not in text
    assert "## Measured once" not in text
