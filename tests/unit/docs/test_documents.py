"""What the documents point to is there."""

import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = [*sorted((REPOSITORY / "docs").rglob("*.md")), REPOSITORY / "examples" / "README.md"]
OURS = ("app/", "alembic/", "docs/", "examples/", "protos/", "tests/")


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_and_paths_lead_somewhere(document):
    text = document.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if "://" not in link]
    paths = [path for path in re.findall(r"`([\w./-]+)`", text) if path.startswith(OURS)]
    missing = [link for link in links if not (document.parent / link).exists()]
    assert missing + [path for path in paths if not (REPOSITORY / path).exists()] == []


def test_every_decision_has_the_parts_of_the_template_and_is_listed():
    decisions = [path for path in DOCUMENTS if path.parent.name == "decisions" and path.name != "README.md"]
    listed = (REPOSITORY / "docs" / "decisions" / "README.md").read_text("utf-8")
    assert [int(path.name[:4]) for path in decisions] == list(range(1, len(decisions) + 1))
    for path in decisions:
        text = path.read_text("utf-8")
        assert text.startswith(f"# {path.name[:4]} ")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences", "Alternatives"]
        assert f"]({path.name})" in listed


def test_every_dependency_has_its_reason():
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["project"]
    (decision,) = (path for path in DOCUMENTS if path.name.startswith("0010-"))
    rows = re.findall(r"^\| ([a-z][a-z0-9, -]+) \|", decision.read_text("utf-8"), re.MULTILINE)
    explained = {dependency for row in rows for dependency in row.split(", ")}
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert explained == {re.split(r"[^\w-]", text)[0].lower() for text in required}
