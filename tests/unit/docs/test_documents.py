"""Links, paths and tables in the documents agree with the repository."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
DOCUMENTS = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
    *sorted((REPOSITORY / "tests").glob("*.md")),
    REPOSITORY / "examples" / "README.md",
]
OURS = ("app/", "alembic/", "bench/", "docs/", "examples/", "protos/", "scripts/", "tests/")
NOT_COMMITTED = "bench/results/"


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def prose(document: Path) -> str:
    """The text without its code blocks."""
    return re.sub(r"^```.*?^```", "", document.read_text("utf-8"), flags=re.DOTALL | re.MULTILINE)


def anchors(document: Path) -> set[str]:
    """The fragments that GitHub gives the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def leads_somewhere(document: Path, link: str) -> bool:
    path, _, fragment = link.partition("#")
    target = document.parent / path if path else document
    return target.exists() and (not fragment or fragment in anchors(target))


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_links_lead_somewhere(document):
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", prose(document)) if "://" not in link]
    assert [link for link in links if not leads_somewhere(document, link)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_files_and_folders_that_are_named_exist(document):
    paths = [path for path in re.findall(r"`([\w./-]+)`", prose(document)) if path.startswith(OURS)]
    missing = [path for path in paths if not (REPOSITORY / path).exists() and not path.startswith(NOT_COMMITTED)]
    assert missing == []


def test_the_readme_leads_to_every_page():
    linked = set(re.findall(r"\]\((docs/[^)#]+)", (REPOSITORY / "README.md").read_text("utf-8")))
    pages = {name(page) for page in (REPOSITORY / "docs").glob("*.md")}
    assert pages - linked == {"docs/performance-report.md"}, "its own page, performance.md, links to the report"


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


def test_the_architecture_shows_the_layers_that_are_checked():
    contracts = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    (layers,) = (contract["layers"] for contract in contracts if contract.get("exhaustive"))
    section = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8").split("## Layers")[1]
    drawing = section.split("```")[1].strip().splitlines()
    assert [re.split(r" {3,}", line)[0] for line in drawing] == layers


def test_the_architecture_names_every_package():
    text = (REPOSITORY / "docs" / "architecture.md").read_text("utf-8")
    packages = {name(file.parent) for file in (REPOSITORY / "app").rglob("__init__.py")}
    only_folders = {"app", "app/adapters", "app/api"}
    assert {package for package in packages - only_folders if f"`{package}`" not in text} == set()


def test_every_package_says_what_it_is():
    packages = sorted((REPOSITORY / "app").rglob("__init__.py"))
    silent = [name(file) for file in packages if not ast.get_docstring(ast.parse(file.read_text("utf-8")))]
    assert silent == ["app/api/grpc/generated/__init__.py"]
