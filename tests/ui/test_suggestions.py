"""Suggestions in the dashboard: their evidence, and what a decision does to the workflow."""

from datetime import UTC, datetime

from playwright.async_api import Page, expect

from app.domain.permissions import Role
from tests.support.callers import Keys, bearer
from tests.support.dashboard import House, is_wider_than_the_window, violations
from tests.support.engine_process import store_workflow
from tests.support.planted_histories import moved_to, planted_draft, planted_history, planted_workflow, store_history
from tests.support.tenant import TENANT_ID

KEY, SEED = "nightly-index", 3


async def plant(database_url: str) -> int:
    stored, model = await store_workflow(database_url, planted_draft(KEY)), planted_workflow(1)
    history = planted_history(model, SEED, datetime.now(UTC))
    await store_history(database_url, TENANT_ID, stored, moved_to(history, stored, model))
    return stored.id


async def retry_of_load(house: House, workflow_id: int) -> tuple[int, object]:
    document = (await house.api.get(f"/workflows/{workflow_id}")).json()
    return document["revision"], next(task["retry"] for task in document["tasks"] if task["name"] == "load")


async def decide(page: Page, way: str, action: str, label: str = "", text: str = "") -> None:
    await page.get_by_role("button", name=way, exact=True).click()
    if text:
        await page.get_by_label(label).fill(text)
    await page.get_by_role("dialog").get_by_role("button", name=action).click()


async def test_a_suggestion_is_understood_approved_and_taken_back(house: House, database_url: str) -> None:
    workflow_id = await plant(database_url)
    page = await house.open("/ui/suggestions")
    await page.get_by_role("button", name="Look again now").click()
    listed = page.locator(".suggestion", has_text="Retry 'load'")
    await expect(listed).to_be_visible()
    (stored,) = (await house.api.get("/suggestions", params={"rule": "add_retries"})).json()["items"]
    evidence = stored["evidence"]
    await expect(listed).to_contain_text(f"{evidence['k']} of {evidence['n']} first attempts failed")
    await listed.get_by_role("link").click()
    await expect(page.get_by_text("the same numbers")).to_be_visible()
    await expect(page.get_by_role("img", name=f"{evidence['k']} of {evidence['n']} attempts failed")).to_be_visible()
    await expect(page.locator("tr.new").filter(has_text='"max_attempts": 3')).to_be_visible()
    assert await violations(page) == []
    assert await retry_of_load(house, workflow_id) == (1, None)
    await decide(page, "Approve", "Approve and apply", "Notes", "as discussed")
    await expect(page.get_by_role("heading", name="Decision")).to_be_visible()
    await expect(page.get_by_text("as discussed")).to_be_visible()
    await expect(page.get_by_text("too few yet")).to_be_visible()
    revision, retry = await retry_of_load(house, workflow_id)
    assert (revision, retry) == (2, stored["patch"][-1]["value"])
    await decide(page, "Take back", "Take back")
    await expect(page.locator(".page-head")).to_contain_text("undone")
    assert await retry_of_load(house, workflow_id) == (3, None)


async def test_a_rejection_has_a_reason_and_viewers_cannot_decide(guarded: House, database_url: str) -> None:
    await plant(database_url)
    keys = Keys(database_url)
    body = {"workflow": KEY, "title": "Give up sooner", "task": "index", "rule": "sooner", "patch": [
        {"op": "replace", "path": "/tasks/4/timeout_seconds", "value": 30}]}  # fmt: skip
    headers = bearer(await keys.of_role(Role.ADMIN))
    made = await guarded.api.post("/suggestions", json=body, headers=headers)
    assert made.status_code == 201, made.text
    path, phone = f"/ui/suggestions/{made.json()['id']}", {"width": 390, "height": 844}
    page = await guarded.open(path, viewport=phone)
    await sign_in(page, await keys.of_role(Role.VIEWER))
    await expect(page.locator("tr.new").filter(has_text='"timeout_seconds": 30')).to_be_visible()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    assert not await is_wider_than_the_window(page)
    page = await guarded.open(path, viewport=phone)
    await sign_in(page, await keys.of_role(Role.EDITOR))
    await decide(page, "Reject", "Reject", "Reason", "the source is slow at night")
    await expect(page.get_by_text("the source is slow at night")).to_be_visible()
    await expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    document = (await guarded.api.get(f"/workflows/{KEY}", headers=headers)).json()
    assert document["revision"] == 1


async def sign_in(page: Page, key: str) -> None:
    await page.get_by_label("API key or token").fill(key)
    await page.keyboard.press("Enter")
