"""Calls between definitions, by the command and a real service: warnings, --strict, the order of files, delete."""

from pathlib import Path

import pytest

PLACE = "6:14: tasks[0].config.workflow:"
UNKNOWN = "there is no workflow {!r}; until there is one, executions fail at this task"


def parent(folder: Path, called: str, key: str = "parent") -> Path:
    path = folder / f"{key}.yaml"
    path.write_text(
        f"key: {key}\nname: Parent\ntasks:\n  - name: call\n    execution_type: sync\n"
        f"    config: {{workflow: {called}}}\n    type: workflow\n"
    )
    return path


def child(folder: Path, key: str = "zulu") -> Path:
    path = folder / f"{key}.yaml"
    path.write_text(f"key: {key}\nname: Child\n")
    return path


@pytest.mark.parametrize("verb", ["validate", "apply"])
async def test_a_call_of_an_unknown_workflow_is_a_warning_at_its_place(command, tmp_path: Path, verb: str):
    path = parent(tmp_path, "later")
    result = await command(verb, path)
    assert result.exit_code == 0
    assert result.stderr.strip() == f"{path}:{PLACE} warning: {UNKNOWN.format('later')}"
    assert (
        result.stdout.split()
        == {
            "validate": ["valid", "parent", str(path)],
            "apply": ["created", "parent", "revision", "1", str(path)],
        }[verb]
    )


async def test_strict_refuses_it_and_stores_nothing(command, tmp_path: Path):
    path = parent(tmp_path, "later")
    result = await command("validate", path, "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"{path}:{PLACE} {UNKNOWN.format('later')}\n"
    result = await command("apply", path, "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"refused    parent  {path}",
        f"  {path}:{PLACE} {UNKNOWN.format('later')}",
    ]
    assert "parent" not in (await command("workflows")).stdout


async def test_files_that_call_each_other_are_checked_together_and_sent_in_the_right_order(command, tmp_path: Path):
    parent(tmp_path, "middle", key="alpha")
    parent(tmp_path, "zulu", key="middle")
    child(tmp_path, "zulu")
    result = await command("validate", tmp_path, "--strict")
    assert (result.exit_code, result.stderr) == (0, "")
    result = await command("apply", tmp_path, "--strict")
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["created", "zulu"],
        ["created", "middle"],
        ["created", "alpha"],
    ]


@pytest.mark.parametrize("strictly", [[], ["--strict"]], ids=str)
async def test_files_that_call_each_other_in_a_circle_are_applied_without_a_warning(command, tmp_path: Path, strictly):
    parent(tmp_path, "beta", key="alpha")
    parent(tmp_path, "gamma", key="beta")
    parent(tmp_path, "alpha", key="gamma")
    parent(tmp_path, "self", key="self")
    result = await command("apply", tmp_path, *strictly)
    assert (result.exit_code, result.stderr) == (0, "")
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["created"] * 4
    result = await command("apply", tmp_path, *strictly)
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["unchanged"] * 4


@pytest.mark.parametrize("wrong", ["later", "broken"])
async def test_strict_stores_nothing_of_a_circle_with_a_wrong_file(command, tmp_path: Path, wrong: str):
    """`later` does not exist; `broken` is among the files and refused."""
    parent(tmp_path, "beta", key="alpha")
    path = parent(tmp_path, "alpha", key="beta")
    path.write_text(
        path.read_text() + f"  - {{name: more, execution_type: sync, type: workflow, config: {{workflow: {wrong}}}}}\n"
    )
    child(tmp_path, "broken").write_text("key: broken\nname: Broken\ntasks: [{name: a}]\n")
    result = await command("apply", tmp_path, "--strict")
    assert (result.exit_code, result.stdout) == (1, "")
    refused = [line.split()[1] for line in result.stderr.splitlines() if line.startswith("refused")]
    assert sorted(refused) == ["alpha", "beta", "broken"]
    assert UNKNOWN.format(wrong) in result.stderr


async def test_what_others_call_is_deleted_only_by_force(command, tmp_path: Path):
    await command("apply", child(tmp_path), parent(tmp_path, "zulu"))
    result = await command("delete", "zulu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "error: workflow 'zulu' is called by 'parent'; their tasks would fail without it; "
        "delete it all the same with --force\n"
    )
    result = await command("delete", "zulu", "--force")
    assert (result.exit_code, result.stdout) == (
        0,
        "deleted    zulu  revision 1; its revisions remain, by the id 1\n",
    )
    result = await command("delete", "zulu")
    assert result.exit_code == 2
    assert "workflow 'zulu' does not exist" in result.stderr
    assert (await command("delete", "parent")).exit_code == 0
