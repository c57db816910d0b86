"""Definition files with `steps` in place of `tasks`: each command takes them, in the words of the file."""

import json
from pathlib import Path

import pytest

from tests.support.clients import rest_client

DEMO = """\
id: demo
name: Demo
steps:
  - name: wait
    type: delay
    config: {duration: 2}
  - name: notify
    type: webhook
    config:
      url: https://example.org/post
      body: {user: '${user}'}
"""
TASKS = """\
key: demo
name: Demo
tasks:
  - name: wait
    execution_type: sync
    sequence: 1
    type: delay
    config: {duration: 2}
  - name: notify
    execution_type: sync
    sequence: 2
    type: webhook
    config:
      url: https://example.org/post
      body: {user: '${input.user}'}
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(DEMO)
    return path


async def test_it_is_applied_compared_and_exported(url: str, command, demo: Path, tmp_path: Path):
    new = await command("diff", demo)
    assert (new.exit_code, new.stdout.splitlines()[0]) == (1, f"created    demo  {demo}")
    assert "+key: demo" in new.stdout
    assert (await command("apply", demo)).stdout == f"created    demo  revision 1  {demo}\n"
    assert (await command("apply", demo)).stdout == f"unchanged  demo  revision 1  {demo}\n"
    assert (await command("export", "demo", "--out", tmp_path)).stdout == f"unchanged  demo  {demo}\n"
    with_tasks = tmp_path / "tasks.yaml"
    with_tasks.write_text(TASKS)
    assert (await command("diff", with_tasks)).stdout == f"unchanged  demo  revision 1  {with_tasks}\n"

    demo.write_text(DEMO.replace("duration: 2", "duration: 3"))
    changed = await command("diff", demo)
    assert [line.strip() for line in changed.stdout.splitlines() if line[:2] in ("+ ", "- ")] == [
        "-      duration: 2",
        "+      duration: 3",
    ]
    assert (await command("apply", demo)).stdout == f"changed    demo  revision 1 → 2  {demo}\n"
    async with rest_client(base_url=f"{url}/api/v1") as client:
        steps = (await client.get("/workflows/demo")).json()["steps"]
    assert (steps[0]["config"], steps[1]["config"]["body"]) == ({"duration": 3}, {"user": "${user}"})


WRONG = [
    ("duration: 2", "duration: -1", "6:14: steps[0].config.duration: must be greater than or equal to 0"),
    ("type: delay", "type: dealy", "5:5: steps[0].type: must be 'delay' or 'webhook'"),
    ("notify", "wait", "7:5: steps[1].name: 'wait' is already the name of steps[0]"),
    ("    type: delay", "    tyqe: x\n    type: delay", "5:5: steps[0].tyqe: is not a field of this request"),
    ("name: Demo", "name: Demo\ntasks: []", "3:1: tasks: is not a field of this request"),
    ("name: Demo", "name: ' '", "2:1: name: "),
]


async def test_problems_have_their_places_in_the_file(command, demo: Path):
    """The same for a workflow that is created, one that is replaced, and one that is only checked."""
    for stored in (False, True):
        if stored:
            assert (await command("apply", demo)).exit_code == 0
        for right, wrong, problem in WRONG:
            demo.write_text(DEMO.replace(right, wrong))
            line = f"{demo}:{problem}"
            for words in (("validate",), ("diff",), ("apply",)):
                result = await command(*words, demo)
                assert result.exit_code == (2 if words == ("diff",) else 1), words
                (told,) = [part for part in result.stderr.splitlines() if str(demo) in part and ":" in part][-1:]
                assert told.strip().startswith(line), (words, result.stderr)
        demo.write_text(DEMO)


def test_without_the_service_all_but_configs_is_checked(workflow, demo: Path):
    for right, wrong, problem in WRONG[1:]:
        demo.write_text(DEMO.replace(right, wrong))
        result = workflow("validate", "--offline", demo.as_posix())
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith(f"{demo}:{problem}")
    demo.write_text(DEMO)
    assert workflow("validate", "--offline", demo.as_posix()).stdout == f"valid      demo  {demo}\n"


async def test_an_answer_of_the_service_is_told_what_to_leave_out(url: str, command, demo: Path, tmp_path: Path):
    await command("apply", demo)
    async with rest_client(base_url=f"{url}/api/v1") as client:
        document = (await client.get("/workflows/demo")).json()
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(document))
    result = await command("apply", saved)
    assert result.exit_code == 1
    told = [line.split(": ", 1)[1] for line in result.stderr.splitlines()[1:]]
    assert {f"{name}: only the service sets this; leave it out of a file" for name in ("id", "revision", "steps")} <= {
        *told
    }
    assert (await command("validate", saved)).exit_code == 1


def test_near_names_are_those_of_steps(workflow, demo: Path):
    demo.write_text(DEMO.replace("    type: delay", "    tipe: delay"))
    result = workflow("validate", "--offline", demo.as_posix())
    assert "steps[0].tipe: is not a field of this request; did you mean 'type'?" in result.stderr
