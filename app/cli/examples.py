"""The definitions under `examples/` of a checkout, which `workflow up` loads so that there is something to run."""

from collections.abc import Sequence
from pathlib import Path

import app
from app.cli.applying import Change, apply_files, tell

FOLDER = Path(app.__path__[0]).parent / "examples"


def load_examples(rest_url: str) -> Sequence[str]:
    """Apply every YAML file of the folder; the keys that the service has now. An installation has no examples."""
    outcomes = apply_files(rest_url, sorted(FOLDER.rglob("*.yaml")))
    for outcome in outcomes:
        if outcome.change is Change.REFUSED:
            tell(outcome)
    return [outcome.key for outcome in outcomes if outcome.change is not Change.REFUSED]
