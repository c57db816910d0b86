"""The commands for definitions against the REST service itself: files become workflows, and workflows files."""

import asyncio
from pathlib import Path

import pytest

from tests.support.clients import rest_client

EXAMPLES = Path(__file__).parents[3] / "examples"
ORDERS = """\
# Comments are the file's own.
key: orders
name: Orders
description: |
  Reads orders.
  Tells: everybody # really
timeout_seconds: 60
variables: {limit: 3, ratio: 1.0}
tasks:
  - name: read
    execution_type: sync
    sequence: 1
    type: delay
    config: {seconds: 1}
    retry: {max_attempts: 3, jitter: 0}
  - name: tell
    execution_type: async
    sequence: 2
    type: log
    config: {message: 'on', fields: {at: '12:30', octal: '0o17', n: 1.0, m: 1, none: null}}
    depends_on: []
    on_failure: continue
    compensate: [untell]
  - name: untell
    execution_type: sync
    retry: {}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "orders.yaml").write_text(ORDERS)
    (tmp_path / "flows" / "second.json").write_text('{"key": "second", "name": "Second"}')
    return tmp_path / "flows"


async def get(url: str, path: str) -> dict:
    async with rest_client(base_url=f"{url}/api/v1") as client:
        return (await client.get(path)).json()


async def send(url: str, method: str, path: str, body: object = None) -> dict:
    async with rest_client(base_url=f"{url}/api/v1") as client:
        answer = await client.request(method, path, json=body)
        assert answer.is_success, answer.text
        return answer.json()


async def test_a_folder_is_applied_and_again_changes_nothing(command, folder: Path):
    first, second = await command("apply", folder), await command("apply", folder)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == (
        f"created    orders  revision 1  {folder}/orders.yaml\ncreated    second  revision 1  {folder}/second.json\n"
    )
    assert second.stdout == (
        f"unchanged  orders  revision 1  {folder}/orders.yaml\nunchanged  second  revision 1  {folder}/second.json\n"
    )


async def test_refusals_are_told_with_file_line_and_column(command, folder: Path):
    path = folder / "orders.yaml"
    path.write_text(ORDERS.replace("seconds: 1}", "seconds: soon}").replace("[untell]", "[untold]"))
    result = await command("apply", folder)
    assert result.exit_code == 1
    refused, seconds, untold = result.stderr.splitlines()
    assert refused == f"refused    orders  {path}"
    assert seconds.startswith(f"  {path}:14:14: tasks[0].config.seconds: ")
    assert untold.startswith(f"  {path}:23:18: tasks[1].compensate[0]: no task of this workflow is named 'untold'")
    assert "created    second" in result.stdout


async def test_diff_shows_what_apply_would_change_and_changes_nothing(url: str, command, folder: Path):
    before = await command("diff", folder)
    assert before.exit_code == 1
    assert before.stdout.startswith(f"created    orders  {folder}/orders.yaml\n--- /dev/null\n+++ orders applied\n")
    assert "\n+name: Orders\n" in before.stdout
    await command("apply", folder)
    same = await command("diff", folder)
    assert (same.exit_code, same.stderr) == (0, "")
    assert same.stdout.splitlines()[0] == f"unchanged  orders  revision 1  {folder}/orders.yaml"

    changed = ORDERS.replace("seconds: 1}", "seconds: 2}").replace("m: 1,", "m: true,").replace("    retry: {}\n", "")
    (folder / "orders.yaml").write_text(changed)
    after = await command("diff", folder / "orders.yaml")
    assert after.exit_code == 1
    lines = after.stdout.splitlines()
    assert lines[:3] == [
        f"changed    orders  revision 1  {folder}/orders.yaml",
        "--- orders revision 1",
        "+++ orders applied",
    ]
    assert [line for line in lines[3:] if line[0] in "+-"] == [
        "-    retry: {}",
        "-      seconds: 1",
        "+      seconds: 2",
        "-        m: 1",
        "+        m: true",
    ]
    assert (await get(url, "/workflows/orders"))["revision"] == 1


async def test_diff_tells_tasks_that_come_and_go(command, folder: Path):
    await command("apply", folder)
    (folder / "second.json").write_text(
        '{"key": "second", "name": "Second", "tasks": [{"name": "new", "execution_type": "sync"}]}'
    )
    result = await command("diff", folder)
    assert result.exit_code == 1
    assert "unchanged  orders" in result.stdout
    assert "+tasks:\n+  - name: new\n+    execution_type: sync\n" in result.stdout


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("sequence: 2", "sequence: two", "18:5: tasks[1].sequence: must be an integer"),
        ("[untell]", "[untold]", "23:18: tasks[1].compensate[0]: no task of this workflow is named 'untold'"),
        ("seconds: 1}", "minutes: 1}", "14:14: tasks[0].config.minutes: is not known here; known: seconds, duration"),
    ],
    ids=["type", "rule", "known to the service only"],
)
@pytest.mark.parametrize("stored", [False, True], ids=["new", "stored"])
async def test_diff_of_an_invalid_file_says_so_with_its_places(
    command, folder: Path, stored: bool, before: str, after: str, line: str
):
    if stored:
        await command("apply", folder / "orders.yaml")
    path = folder / "orders.yaml"
    path.write_text(ORDERS.replace(before, after))
    result = await command("diff", folder)
    assert result.exit_code == 2
    invalid, problem, *_ = result.stderr.splitlines()
    assert invalid == f"invalid    orders  {path}"
    assert problem.startswith(f"  {path}:{line}")
    assert result.stdout.startswith(f"created    second  {folder}/second.json\n"), "the others are compared"


async def test_diff_does_not_object_to_what_is_stored_already(url: str, command, folder: Path):
    await command("apply", folder)
    assert (await command("diff", folder)).exit_code == 0


@pytest.mark.parametrize("deleted", [False, True], ids=["kept", "deleted"])
async def test_what_is_exported_is_applied_without_a_change(
    url: str, command, folder: Path, tmp_path: Path, deleted: bool
):
    await command("apply", folder, EXAMPLES)
    before = await get(url, "/workflows")
    exported = await command("export", "--all", "--out", tmp_path / "out")
    assert (exported.exit_code, exported.stderr) == (0, "")
    if deleted:
        for workflow in before["items"]:
            await send(url, "DELETE", f"/workflows/{workflow['id']}?force=true")
    applied = await command("apply", tmp_path / "out")
    assert applied.exit_code == 0
    word = "created  " if deleted else "unchanged"
    assert [line[:9] for line in applied.stdout.splitlines()] == [word] * len(before["items"])
    after = await get(url, "/workflows")
    assert sorted(map(said, after["items"]), key=str) == sorted(map(said, before["items"]), key=str)
    assert (await command("diff", tmp_path / "out")).exit_code == 0


def said(workflow: dict) -> dict:
    added = {"id", "workflow_id", "revision", "created_at", "updated_at"}
    tasks = [{name: value for name, value in task.items() if name not in added} for task in workflow["tasks"]]
    return {name: value for name, value in workflow.items() if name not in added} | {"tasks": tasks}


async def test_an_exported_file_says_only_what_must_be_said(command, folder: Path):
    await command("apply", folder)
    result = await command("export", "orders", "second")
    assert result.exit_code == 0
    assert (
        result.stdout
        == """\
---
key: orders
name: Orders
description: |
  Reads orders.
  Tells: everybody # really
timeout_seconds: 60
variables:
  limit: 3
  ratio: 1.0
tasks:
  - name: untell
    execution_type: sync
    retry: {}
  - name: read
    execution_type: sync
    sequence: 1
    type: delay
    config:
      seconds: 1
    retry:
      max_attempts: 3
      jitter: 0
  - name: tell
    execution_type: async
    sequence: 2
    type: log
    config:
      message: 'on'
      fields:
        at: '12:30'
        octal: '0o17'
        n: 1.0
        m: 1
        none: null
    depends_on: []
    on_failure: continue
    compensate: [untell]
---
key: second
name: Second
"""
    )


async def test_export_keeps_files_that_say_the_same_and_those_that_do_not(url: str, command, folder: Path):
    await command("apply", folder / "orders.yaml")
    same = await command("export", "orders", "--out", folder)
    assert (same.exit_code, same.stdout) == (0, f"unchanged  orders  {folder}/orders.yaml\n")
    await send(url, "PATCH", "/workflows/orders", {"name": "All orders"})
    kept = await command("export", "orders", "--out", folder)
    assert (kept.exit_code, kept.stdout) == (1, "")
    assert "--force" in kept.stderr
    assert (folder / "orders.yaml").read_text() == ORDERS
    forced = await command("export", "orders", "--out", folder, "--force")
    assert (forced.exit_code, forced.stdout) == (0, f"written    orders  {folder}/orders.yaml\n")
    assert "name: All orders\n" in (folder / "orders.yaml").read_text()


async def test_a_workflow_without_a_key_is_no_file(url: str, command, folder: Path):
    await command("apply", folder)
    keyless = await send(url, "POST", "/workflows", {"name": "Keyless"})
    result = await command("export", "--all")
    assert result.exit_code == 1
    assert result.stderr == f"skipped    workflow {keyless['id']}, 'Keyless', has no key, and a file needs one\n"
    assert "key: second\n" in result.stdout


@pytest.mark.parametrize("words", [[], ["orders", "--all"]])
async def test_export_wants_names_or_all(command, words: list[str]):
    assert (await command("export", *words)).exit_code == 2


async def test_revisions_tell_what_changed_and_can_be_restored(url: str, command, folder: Path):
    await command("apply", folder)
    text = ORDERS.replace("name: Orders", "name: All").replace("sequence: 1", "sequence: 3").replace("read", "load")
    (folder / "orders.yaml").write_text(text)
    await command("apply", folder)
    await send(url, "PATCH", "/workflows/orders", {"description": None})
    listed = await command("revisions", "orders")
    assert listed.exit_code == 0
    rows = [line.split("  ") for line in listed.stdout.splitlines()]
    assert [(row[0].strip(), row[-1]) for row in rows] == [
        ("REV", "CHANGES"),
        ("3", "description"),
        ("2", "name; +load; -read"),
        ("1", "name, description, key, timeout_seconds, variables; +untell; +read; +tell"),
    ]
    limited = await command("revisions", "orders", "--limit", 1, "--json")
    assert '"changes": {"workflow": {"description": ["Reads orders.' in limited.stdout
    assert len(limited.stdout.splitlines()) == 1

    restored = await command("restore", "orders", 1)
    assert (restored.exit_code, restored.stdout) == (0, "restored   orders  revision 3 → 4, as revision 1 was\n")
    again = await command("restore", "orders", 1)
    assert again.stdout == "unchanged  orders  revision 4 is as revision 1 was\n"
    first, now = await asyncio.gather(get(url, "/workflows/orders/revisions/1"), get(url, "/workflows/orders"))
    assert said(now) == said(first)


async def test_an_unknown_revision_is_a_sentence(command, folder: Path):
    await command("apply", folder)
    result = await command("restore", "orders", 7)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("error: revision '7' does not exist")
    unknown = await command("revisions", "nothing")
    assert unknown.exit_code == 2


async def test_validate_asks_the_service_and_stores_nothing(url: str, command, folder: Path):
    right = await command("validate", folder)
    assert (right.exit_code, right.stderr) == (0, "")
    assert right.stdout.splitlines()[0] == f"valid      orders  {folder}/orders.yaml"
    text = ORDERS.replace("seconds: 1}", "minutes: 1}").replace("type: log", "type: logg").replace("[untell]", "[x]")
    (folder / "orders.yaml").write_text(text)
    wrong = await command("validate", folder)
    assert wrong.exit_code == 1
    assert [line.rsplit("orders.yaml:")[1].split(": ")[:2] for line in wrong.stderr.splitlines()] == [
        ["14:14", "tasks[0].config.minutes"],
        ["19:5", "tasks[1].type"],
        ["23:18", "tasks[1].compensate[0]"],
    ]
    assert (await get(url, "/workflows"))["total"] == 0


WITH_SECRETS = """\
key: calls
name: Calls
secrets: [TOKEN, SPARE]
tasks:
  - name: call
    execution_type: sync
    type: http
    config:
      url: https://shop.example
      headers: {Authorization: 'Bearer ${secrets.TOKEN}'}
"""


async def test_the_names_of_secrets_come_back_as_they_were_sent(command, url: str, tmp_path: Path):
    path = tmp_path / "calls.yaml"
    path.write_text(WITH_SECRETS)
    assert (await command("validate", path)).exit_code == 0
    assert (await command("apply", path)).exit_code == 0
    assert (await get(url, "workflows/calls"))["secrets"] == ["TOKEN", "SPARE"]
    exported = (await command("export", "calls")).stdout
    assert exported.count("secrets") == 2
    path.write_text(exported)
    assert (await command("diff", path)).exit_code == 0

    path.write_text(WITH_SECRETS.replace("TOKEN, SPARE", "TOKEN"))
    assert "SPARE" in (await command("diff", path)).stdout
    assert (await command("apply", path)).exit_code == 0
    assert (await get(url, "workflows/calls"))["secrets"] == ["TOKEN"]

    for command_name in ("validate", "apply"):
        path.write_text(WITH_SECRETS.replace("secrets: [TOKEN, SPARE]\n", ""))
        refused = await command(command_name, path)
        assert refused.exit_code != 0
        assert (
            "secrets: must name every secret that an expression uses: TOKEN (used at"
            " tasks[0].config.headers.Authorization); write secrets: [TOKEN]"
        ) in (refused.stderr + refused.stdout).replace("\n", " ").replace("  ", " ")
