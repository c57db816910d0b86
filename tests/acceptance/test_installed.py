"""The package as `pip install .` leaves it: built, put into an environment of its own, and started from elsewhere."""

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.support.processes import REPOSITORY
from tests.support.tenant import needs_default

pytestmark = needs_default("starts the service on an empty database, which has no key")

READY = "Ctrl-C stops everything."


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)], cwd=REPOSITORY, check=True
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def python(wheel: Path, tmp_path: Path) -> Path:
    """An environment with the wheel; what it depends on comes from this one, behind what it has itself."""
    venv.create(tmp_path / "environment", with_pip=False)
    python = tmp_path / "environment" / "bin" / "python"
    asked = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    packages = Path(subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip())
    with ZipFile(wheel) as archive:
        archive.extractall(packages)
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    return python


def run(python: Path, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"DATABASE_URL": "file:data", "FASTAPI_PORT": "0", "GRPC_PORT": "0"}
    return subprocess.Popen(
        [python, *arguments], cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_the_wheel_holds_the_migrations_and_no_tests(wheel: Path) -> None:
    names = set(ZipFile(wheel).namelist())
    versions = {f"app/migrations/versions/{file.name}" for file in (REPOSITORY / "alembic" / "versions").glob("*.py")}
    assert versions | {"app/migrations/env.py", "app/cli/__main__.py"} < names
    pages = {file.relative_to(REPOSITORY).as_posix() for file in (REPOSITORY / "app/api/dashboard/static").rglob("*.*")}
    assert {page for page in pages if not page.endswith("licences")} < names
    assert not any(re.match(r"(tests|bench|alembic)/|.*__pycache__", name) for name in names)


def test_an_installed_service_starts_and_migrates(python: Path, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    with run(python, folder, "-c", "import app; print(app.__path__[0])") as asked:
        assert str(tmp_path) in asked.communicate()[0]
    with run(python, folder, "-m", "app.cli", "up") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            said = []
            for line in process.stdout:
                said.append(line)
                if line.strip() == READY:
                    break
            assert said[-1:], process.stderr.read()
            assert said[-1].strip() == READY, "".join(said) + process.stderr.read()
        finally:
            process.terminate()
            _, complaint = process.communicate()
    assert process.returncode == 0, complaint
