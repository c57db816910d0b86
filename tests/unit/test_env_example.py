"""`.env.example` and docs/settings.md are where users look settings up, so they have to agree with the code."""

import re
from pathlib import Path

from app.config import Settings

EXAMPLE = Path(__file__).parents[2] / ".env.example"
PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
SETTING = re.compile(r"^# ([A-Z][A-Z0-9_]*)=", re.MULTILINE)


READ_BY_THE_TESTS = "TEST_DATABASE_URL"


def test_every_setting_is_there_once():
    names = SETTING.findall(EXAMPLE.read_text())
    assert sorted(names) == sorted([READ_BY_THE_TESTS, *(name.upper() for name in Settings.model_fields)])


def test_the_values_are_the_defaults(tmp_path, monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    uncommented = tmp_path / ".env"
    uncommented.write_text(SETTING.sub(r"\1=", EXAMPLE.read_text()))
    assert Settings(_env_file=uncommented) == Settings(_env_file=None)


def test_the_file_as_it_is_sets_nothing():
    active = [line for line in EXAMPLE.read_text().splitlines() if line and not line.startswith("#")]
    assert active == []


def test_the_page_has_every_setting_once_with_its_default():
    rows = re.findall(r"^\| (`[A-Z].+?) \| (.+?) \| .+ \|$", PAGE.read_text(), re.MULTILINE)
    names = [name.strip("`") for names, _ in rows for name in names.split(", ")]
    defaults = [default.strip("`") for _, defaults in rows for default in defaults.split(", ")]
    stated = {name: default.replace("none", "") for name, default in zip(names, defaults, strict=True)}
    assert len(names) == len(stated)
    assert stated == dict(re.findall(r"^# ([A-Z][A-Z0-9_]*)=(.*)$", EXAMPLE.read_text(), re.MULTILINE))
