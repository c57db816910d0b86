"""What the dashboard says about conditions of machines covers all that there are."""

import re

from app.api.dashboard.assets import FOLDER
from app.api.rest.machine_bodies import ConditionsForm


def test_every_condition_has_a_sentence() -> None:
    text = (FOLDER / "lib/machine.js").read_text("utf-8")
    block = re.search(r"const SENTENCES = \{(.*?)\n\};", text, re.DOTALL)
    assert block is not None
    assert sorted(re.findall(r"^  (\w+): ", block[1], re.MULTILINE)) == sorted(ConditionsForm.model_fields)
