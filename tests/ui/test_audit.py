"""The audit log in the dashboard: filters, pages, and what an entry has changed."""

import re

from playwright.async_api import expect

from tests.support.dashboard import House, is_wider_than_the_window, violations

CHANGES = 60
"""More than a page has."""


async def change(house: House, timeout: float) -> None:
    answer = await house.api.patch("/workflows/quick", json={"timeout_seconds": timeout})
    assert answer.status_code == 200, answer.text


async def test_entries_are_filtered_and_compared(house: House) -> None:
    await change(house, 30)
    await house.api.post("/keys", json={"name": "reports", "role": "viewer"})
    page = await house.open("/ui/audit")
    table = page.get_by_role("table", name="Entries of the audit log").locator("tbody tr")
    await expect(table.first).to_contain_text("key.create")
    await page.get_by_role("combobox", name="What", exact=True).select_option("workflow.change")
    await expect(page).to_have_url(re.compile(r"\?action=workflow\.change$"))
    await expect(table).not_to_contain_text(["key.create"])
    await expect(table.first).to_contain_text("timeout_seconds")
    await page.get_by_label("To what").fill("workflow:999")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No such entries")).to_be_visible()
    await page.go_back()
    await expect(table.first).to_contain_text("timeout_seconds")
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    diff = page.get_by_role("region", name="What has changed")
    await expect(diff.locator("tr.gone").filter(has_text="timeout_seconds")).to_have_text(re.compile("removed.*null"))
    await expect(diff.locator("tr.new").filter(has_text="timeout_seconds")).to_have_text(re.compile("added.*30"))
    await expect(page.get_by_text(re.compile(r"Linked to entry \d+"))).to_be_visible()
    assert await violations(page) == []


async def test_pages_go_by_the_numbers_of_entries(house: House) -> None:
    for number in range(CHANGES):
        await change(house, 100 + number)
    first = (await house.api.get("/audit", params={"limit": 1})).json()["items"][0]["number"]
    page = await house.open("/ui/audit?action=workflow.change", viewport={"width": 390, "height": 844})
    numbers = page.locator("td.c-number")
    await expect(numbers).to_have_count(50)
    newest = await numbers.all_text_contents()
    await change(house, 5)  # what comes meanwhile moves nothing to another page
    await page.get_by_role("link", name="Older").click()
    await expect(numbers).to_have_count(CHANGES - 50 + await stored_before(house))
    older = await numbers.all_text_contents()
    assert [int(one) for one in newest] == list(range(first, first - 50, -1))
    assert int(older[0]) == first - 50
    assert not await is_wider_than_the_window(page)
    await page.get_by_role("link", name="Newest").click()
    await expect(numbers.first).to_have_text(str(first + 1))


async def stored_before(house: House) -> int:
    """The entries of the workflows that the test begins with."""
    found = (await house.api.get("/audit", params={"action": "workflow.change", "limit": 200})).json()["items"]
    return sum(entry["before"] is None for entry in found)
