"""How functions get their names: by the decorator and by the modules that the settings name."""

import pytest

from app.tasks.functions import load_functions, task_function
from app.tasks.plugins import PluginError


def add(a: int, b: int = 1) -> int:
    return a + b


async def add_later(a: int, b: int = 1) -> int:
    return a + b


def test_a_decorated_function_can_be_loaded_and_is_left_as_it_is() -> None:
    decorated = task_function("unit.add")(add)
    assert decorated is add
    assert load_functions(())["unit.add"].call is add
    task_function("unit.add")(add)
    with pytest.raises(ValueError, match=r"'unit.add' is already registered by .*add"):
        task_function("unit.add")(add_later)


def test_the_named_modules_are_imported(tmp_path, monkeypatch) -> None:
    (tmp_path / "plug_functions.py").write_text(
        "from app.tasks import task_function\n@task_function('unit.double')\ndef double(n):\n    return 2 * n\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_functions(("plug_functions",))["unit.double"].call(4) == 8
    (tmp_path / "plug_syntax.py").write_text("def")
    with pytest.raises(PluginError, match="'plug_syntax' cannot be imported: SyntaxError"):
        load_functions(("plug_syntax",))
