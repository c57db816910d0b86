"""The feed of events in the dashboard: live, filtered, held while a person reads."""

import re

from playwright.async_api import Page, expect

from tests.support.dashboard import House, is_wider_than_the_window, violations

QUICK = 5
"""So many events has an execution of `quick`."""


async def run_quick(house: House) -> None:
    await house.history(await house.start("quick", '{"answer": 42}'))


async def positions(page: Page) -> list[int]:
    labels = await page.get_by_role("button", name="The whole event").evaluate_all(
        "buttons => buttons.map(button => button.getAttribute('aria-label'))"
    )
    return [int(label.rsplit(" ", 1)[1]) for label in labels]


async def test_events_appear_once_and_in_order(house: House) -> None:
    await run_quick(house)
    page = await house.open("/ui/events")
    await expect(page.locator(".event")).to_have_count(QUICK)
    broken = await house.start("broken")
    history = await house.history(broken)
    await expect(page.locator(".event", has_text="execution failed")).to_have_count(1)
    await expect(page.get_by_text(f"{QUICK + len(history)} shown")).to_be_visible()
    found = await positions(page)
    assert found == sorted(set(found), reverse=True)
    assert len(found) == QUICK + len(history)
    await page.locator(".event", has_text="execution failed").get_by_role("link").click()
    await expect(page).to_have_url(re.compile(broken))


async def test_a_filter_is_kept_in_the_address(house: House) -> None:
    await run_quick(house)
    await house.history(await house.start("broken"))
    page = await house.open("/ui/events", viewport={"width": 390, "height": 844})
    await page.get_by_role("button", name="Failures").click()
    await expect(page.locator(".event").first).to_contain_text("execution failed")
    await expect(page.locator(".event", has_text="completed")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".event").first).to_contain_text("execution failed")
    await page.get_by_role("combobox", name="Workflow", exact=True).fill("quick")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("No such events lately")).to_be_visible()
    assert not await is_wider_than_the_window(page)
    await page.go_back()
    await expect(page.locator(".event").first).to_contain_text("execution failed")


async def test_a_pause_holds_what_is_new(house: House) -> None:
    await run_quick(house)
    page = await house.open("/ui/events")
    await expect(page.locator(".event")).to_have_count(QUICK)
    await page.keyboard.press("p")
    await run_quick(house)
    await expect(page.get_by_role("button", name=f"{QUICK} new")).to_be_visible()
    await expect(page.locator(".event")).to_have_count(QUICK)
    assert await violations(page) == []
    await page.get_by_role("button", name=f"{QUICK} new").click()
    await expect(page.locator(".event")).to_have_count(2 * QUICK)
