import pytest

TASK = {"name": "t", "execution_type": "sync"}


@pytest.fixture
async def workflow(rest) -> dict:
    return (await rest.post("/workflows", json={"name": "n", "key": "k", "tasks": [TASK]})).json()


@pytest.fixture
def readable(workflow) -> list[str]:
    task_id = workflow["tasks"][0]["id"]
    return [
        "/workflows",
        "/workflows/k",
        f"/workflows/{workflow['id']}",
        "/workflows/k/tasks",
        f"/tasks/{task_id}",
        "/workflows/k/revisions",
        "/workflows/k/revisions/1",
        "/executions",
    ]


async def test_what_the_caller_has_is_not_sent_again(rest, readable):
    for url in readable:
        first = await rest.get(url)
        etag = first.headers["etag"]
        for header in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = await rest.get(url, headers={"If-None-Match": header})
            assert (again.status_code, again.content) == (304, b""), (url, header)
            assert again.headers["etag"] == etag
        assert (await rest.get(url, headers={"If-None-Match": '"other"'})).content == first.content


async def test_an_etag_ends_with_a_change(rest, readable):
    before = {url: (await rest.get(url)).headers["etag"] for url in readable}
    await rest.patch("/workflows/k", json={"description": "changed"})
    for url, etag in before.items():
        answer = await rest.get(url, headers={"If-None-Match": etag})
        unchanged = url in ("/workflows/k/tasks", "/workflows/k/revisions/1", "/executions")
        assert answer.status_code == (304 if unchanged else 200), url


async def test_a_change_takes_place_only_on_what_the_caller_has_seen(rest, workflow):
    task_url = f"/tasks/{workflow['tasks'][0]['id']}"
    old = (await rest.get("/workflows/k")).headers["etag"]
    new = (await rest.patch("/workflows/k", json={"name": "m"}, headers={"If-Match": old})).headers["etag"]
    assert new != old
    task = TASK | {"name": "u"}
    for header in (old, f"W/{new}", '"17-2"', "2", '""'):
        for method, url, body in (
            ("PUT", "/workflows/k", {"name": "o"}),
            ("PATCH", "/workflows/k", {"name": "o"}),
            ("DELETE", "/workflows/k", None),
            ("POST", "/workflows/k/tasks", task),
            ("PUT", task_url, task),
            ("PATCH", task_url, {"sequence": 3}),
            ("DELETE", task_url, None),
        ):
            answer = await rest.request(method, url, json=body, headers={"If-Match": header})
            assert (answer.status_code, answer.json()["code"]) == (412, "revision_mismatch"), (method, url, header)
    assert (await rest.get("/workflows/k")).headers["etag"] == new


@pytest.mark.parametrize("several", [False, True])
async def test_each_change_answers_the_etag_for_the_next(rest, workflow, several):
    etag = (await rest.get("/workflows/k")).headers["etag"]
    task_url = f"/tasks/{workflow['tasks'][0]['id']}"
    for method, url, body in (
        ("PUT", "/workflows/k", {"name": "o", "key": "k"}),
        ("PATCH", "/workflows/k", {"name": "p"}),
        ("POST", "/workflows/k/tasks", TASK | {"name": "u"}),
        ("PUT", task_url, TASK | {"sequence": 1}),
        ("PATCH", task_url, {"sequence": 3}),
        ("DELETE", task_url, None),
        ("DELETE", "/workflows/k", None),
    ):
        header = f'"other", {etag}' if several else etag
        answer = await rest.request(method, url, json=body, headers={"If-Match": header})
        assert answer.status_code in (200, 201), answer.text
        etag = answer.headers.get("etag")


async def test_a_star_matches_whatever_is_there_and_nothing_that_is_not(rest, workflow):
    star = {"If-Match": "*"}
    assert (await rest.patch("/workflows/k", json={"name": "m"}, headers=star)).status_code == 200
    assert (await rest.patch("/workflows/nope", json={"name": "m"}, headers=star)).status_code == 404
    assert (await rest.delete("/tasks/999", headers=star)).status_code == 404


async def test_if_none_match_refuses_a_change_of_what_it_names(rest, workflow):
    for header in ("*", f'"{workflow["id"]}-1"'):
        answer = await rest.put("/workflows/k", json={"name": "m"}, headers={"If-None-Match": header})
        assert (answer.status_code, answer.json()["code"]) == (412, "precondition_failed")
    assert (await rest.put("/workflows/k", json={"name": "m"}, headers={"If-None-Match": '"x"'})).status_code == 200
