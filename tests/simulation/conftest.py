"""`--seed N` runs one simulation and shows all of it; it is known where this folder is named on the command line."""

import pytest

ALONE = "test_one_seed"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seed", type=int, default=None, help="run the simulation of this seed alone, and show it")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The one, or all the others."""
    alone = config.getoption("--seed", None) is not None
    left_out = [item for item in items if "tests/simulation" in item.nodeid and (ALONE in item.nodeid) is not alone]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


@pytest.fixture
def wanted_seed(request: pytest.FixtureRequest) -> int:
    return request.config.getoption("--seed")
