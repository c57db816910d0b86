"""Schedules are made, paused, changed and deleted."""

import re

from playwright.async_api import expect

from tests.support.dashboard import House
from tests.support.definition_pages import INVOICE, create


async def test_a_schedule_is_made_paused_changed_and_deleted(house: House) -> None:
    await create(house, "/workflows", INVOICE)
    page = await house.open("/ui/schedules")
    await page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Workflow").fill("invoice")
    await dialog.get_by_label("Key", exact=True).fill("nightly")
    await dialog.get_by_label("Time zone").fill("Europe/Berlin")
    await dialog.get_by_label("Customer").fill("4711")
    await dialog.get_by_label("Cron").fill("0 2 * * * * *")
    await dialog.get_by_role("button", name="Create schedule").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("cron")
    await dialog.get_by_label("Cron").fill("0 2 * * *")
    await dialog.get_by_role("button", name="Create schedule").click()
    row = page.locator("tbody tr")
    await expect(row.get_by_role("list", name="Next times").get_by_role("listitem")).to_have_count(5)
    shown = await row.locator(".fires time[datetime]").evaluate_all("times => times.map(time => time.dateTime)")
    assert (await house.api.get("/schedules/nightly/next")).json()["items"] == shown[1:]
    stored = (await house.api.get("/schedules/nightly")).json()
    assert (stored["time_zone"], stored["input"]) == ("Europe/Berlin", {"customer": "4711", "copies": 1})

    await row.get_by_role("button", name="Pause nightly").click()
    await expect(row.locator(".st-paused")).to_be_visible()
    assert (await house.api.get("/schedules/nightly")).json()["paused"]
    await row.get_by_role("button", name="Resume nightly").click()
    await expect(row.locator(".st-paused")).to_have_count(0)

    await row.get_by_role("button", name="Edit nightly").click()
    await expect(dialog.get_by_label("Cron")).to_have_value("0 2 * * *")
    await expect(dialog.get_by_label("Customer")).to_have_value("4711")
    await dialog.get_by_label("Cron").fill("30 3 * * MON")
    await dialog.get_by_role("button", name="Save").click()
    await expect(row).to_contain_text("30 3 * * MON")
    stored = (await house.api.get("/schedules/nightly")).json()
    assert (stored["cron"], stored["input"]) == ("30 3 * * MON", {"customer": "4711", "copies": 1})

    await row.get_by_role("button", name="Delete nightly").click()
    await dialog.get_by_role("button", name="Back").click()
    await expect(row).to_have_count(1)
    await row.get_by_role("button", name="Delete nightly").click()
    await dialog.get_by_role("button", name="Delete schedule").click()
    await expect(page.get_by_text("There is no schedule yet")).to_be_visible()
    assert (await house.api.get("/schedules")).json()["total"] == 0


async def test_a_change_of_others_is_not_lost(house: House) -> None:
    workflow = await create(house, "/workflows", INVOICE)
    body = {"workflow": "invoice", "key": "nightly", "cron": "0 2 * * *", "input": {"customer": "1"}}
    await create(house, "/schedules", body)
    page = await house.open(f"/ui/workflows/{workflow['id']}?tab=schedules")
    await page.get_by_role("button", name="Edit nightly").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_label("Customer")).to_have_value("1")
    changed = await house.api.put("/schedules/nightly", json=body | {"cron": "0 3 * * *"})
    assert changed.status_code == 200
    await dialog.get_by_label("Cron").fill("0 4 * * *")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text(re.compile("outdated"))
    assert (await house.api.get("/schedules/nightly")).json()["cron"] == "0 3 * * *"


async def test_one_that_starts_once_is_made_at_its_workflow(house: House) -> None:
    workflow = await create(house, "/workflows", INVOICE)
    page = await house.open(f"/ui/workflows/{workflow['id']}?tab=schedules")
    await page.get_by_role("button", name="New schedule").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("once").check()
    await dialog.get_by_label("At, in local time").fill("2099-01-31T02:00")
    await dialog.get_by_label("Customer").fill("1")
    await dialog.get_by_role("button", name="Create schedule").click()
    await expect(page.locator("tbody tr")).to_contain_text("once, ")
    (stored,) = (await house.api.get("/schedules")).json()["items"]
    assert (stored["cron"], stored["at"][:10]) == (None, "2099-01-31")
