"""Definitions over REST as YAML: read as definition files are, with the line and column of every problem."""

import json

import pytest

YAML = {"content-type": "application/yaml"}
FLOW = """\
# comments are not stored
key: nightly
name: Nightly
variables: &shared {switch: on}
tasks:
  - name: tell
    execution_type: sync
    type: log
    config:
      message: "${vars.switch}"
"""
WRONG = FLOW.replace("message:", "massage:")
TORN = FLOW.replace("name: Nightly", "name: Nightly: torn")


def changed(old: str, new: str) -> bytes:
    return FLOW.replace(old, new).encode()


async def test_a_workflow_is_created_and_replaced_from_yaml(rest):
    created = await rest.post("/workflows", content=FLOW, headers=YAML)
    assert (created.status_code, created.json()["variables"]) == (201, {"switch": "on"})
    etag = {"if-match": created.headers["etag"]}
    replaced = await rest.put("/workflows/nightly", content=changed("Nightly", "Morning"), headers=YAML | etag)
    assert (replaced.status_code, replaced.json()["name"]) == (200, "Morning")
    outdated = await rest.put("/workflows/nightly", content=changed("Nightly", "Noon"), headers=YAML | etag)
    assert (outdated.status_code, outdated.json()["code"]) == (412, "revision_mismatch")


async def test_a_revision_as_a_file_changes_nothing_when_it_is_sent_back(rest):
    await rest.post("/workflows", content=FLOW, headers=YAML)
    for language, media_type in (("yaml", "application/yaml"), ("json", "application/json")):
        file = await rest.get(f"/workflows/nightly/revisions/1/file?format={language}")
        assert file.headers["content-type"].partition(";")[0] == media_type
        assert "created_at" not in file.text
        again = await rest.put("/workflows/nightly", content=file.content, headers={"content-type": media_type})
        assert (again.status_code, again.json()["revision"]) == (200, 1)
    unchanged = await rest.get("/workflows/nightly/revisions/1/file", headers={"if-none-match": file.headers["etag"]})
    assert unchanged.status_code == 200, "another language has another ETag"


async def test_a_file_without_tasks_says_so(rest):
    await rest.post("/workflows", json={"name": "empty", "key": "empty"})
    file = await rest.get("/workflows/empty/revisions/1/file?format=json")
    assert file.json() == {"key": "empty", "name": "empty", "tasks": []}


async def test_a_verdict_says_where_problems_are(rest):
    verdict = await rest.post("/workflows/validate?places=true", content=WRONG, headers=YAML)
    assert [(one["path"], one["line"], one["column"]) for one in verdict.json()["problems"]] == [
        ("tasks[0].config.massage", 10, 7)
    ]
    as_json = '{"name": "n",\n "tasks": [\n  {"name": "t"}]}'
    verdict = await rest.post(
        "/workflows/validate?places=1", content=as_json, headers={"content-type": "application/json"}
    )
    assert [(one["path"], one["line"], one["column"]) for one in verdict.json()["problems"]] == [
        ("tasks[0].execution_type", 3, 3)
    ]
    plain = await rest.post("/workflows/validate", content=WRONG, headers=YAML)
    assert all(one.keys() == {"path", "message"} for one in plain.json()["problems"])


async def test_a_warning_has_a_place_too(rest):
    calls = FLOW.replace("type: log", "type: workflow").replace('message: "${vars.switch}"', "workflow: later")
    verdict = (await rest.post("/workflows/validate?places=true", content=calls, headers=YAML)).json()
    assert verdict["valid"]
    assert [(one["line"], one["column"]) for one in verdict["warnings"]] == [(10, 7)]


async def test_a_verdict_has_the_definition_in_the_other_language(rest):
    verdict = (await rest.post("/workflows/validate?file=json", content=FLOW, headers=YAML)).json()
    document = json.loads(verdict["file"])
    assert list(document) == ["key", "name", "variables", "tasks"]
    back = (await rest.post("/workflows/validate?file=yaml", json=document)).json()
    assert back["file"].startswith("key: nightly\nname: Nightly\nvariables:\n  switch: 'on'\n")
    wrong = (await rest.post("/workflows/validate?file=json", json={"name": 7})).json()
    assert (wrong["valid"], wrong["file"]) == (False, None)


@pytest.mark.parametrize(
    ("text", "where"),
    [(TORN, (3, 14)), ("a: 1\na: 2\n", (2, 1)), ("a: 1\n---\nb: 2\n", (None, None)), (b"\xff", (None, None))],
)
async def test_what_is_no_usable_yaml_is_refused_at_its_place(rest, text, where):
    for method, path in (("POST", "/workflows/validate"), ("POST", "/workflows"), ("PUT", "/workflows/nightly")):
        answer = await rest.request(method, path, content=text, headers=YAML)
        problem = answer.json()
        assert (answer.status_code, problem["code"]) == (400, "malformed_yaml")
        assert (problem.get("line"), problem.get("column")) == where


async def test_malformed_json_has_a_place(rest):
    answer = await rest.post(
        "/workflows/validate", content='{"name":\n ,}', headers={"content-type": "application/json"}
    )
    assert [answer.json()[name] for name in ("code", "line", "column")] == ["malformed_json", 2, 2]


async def test_only_definitions_are_taken_as_yaml(rest):
    await rest.post("/workflows", content=FLOW, headers=YAML)
    start = await rest.post("/workflows/nightly/executions", content="input: {}", headers=YAML)
    assert (start.status_code, start.json()["code"]) == (415, "unsupported_media_type")


async def test_a_large_text_in_yaml_is_refused(rest):
    answer = await rest.post("/workflows", content="#" * 300_000, headers=YAML)
    assert answer.status_code == 413


async def test_machines_are_taken_as_yaml_too(rest):
    text = "key: lamp\nname: Lamp\nstates:\n  - {name: dark, initial: true}\n  - {nme: light}\n"
    verdict = (await rest.post("/machines/validate?places=true", content=text, headers=YAML)).json()
    assert {one["line"] for one in verdict["problems"]} == {5}
    created = await rest.post("/machines", content=text.replace("nme", "name"), headers=YAML)
    assert created.status_code == 201
    again = await rest.put("/machines/lamp", content=text.replace("nme", "name"), headers=YAML)
    assert (again.status_code, again.json()["revision"]) == (200, 1)
