"""Every page, in both themes: nothing keeps people out, nothing comes from elsewhere, nothing is cut off on a phone."""

import re
from typing import Literal

import pytest
from playwright.async_api import ViewportSize, expect

from tests.support.dashboard import House, is_wider_than_the_window, violations

Theme = Literal["light", "dark"]
DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


async def addresses(house: House) -> dict[str, tuple[str, str]]:
    """What is looked at: an address, and what is on the page when all of it is there."""
    waiting, broken = await house.start("steps"), await house.start("broken")
    done, wide = await house.start("quick", '{"answer": 42}'), await house.start("wide")
    for ended in (broken, done, wide):
        await house.history(ended)
    await house.signal(waiting, "go-0")
    page = "/ui/executions"
    return {
        "list": (page, "text=broken"),
        "nothing": (f"{page}?status=paused", "text=No execution matches"),
        "waiting": (f"{page}/{waiting}", ".node.is-running"),
        "failed": (f"{page}/{broken}", ".node.is-failed"),
        "task": (f"{page}/{broken}?task={await task_of(house, broken, 'bad')}", ".panel"),
        "events": (f"{page}/{broken}?tab=events", ".erow >> text=Execution failed"),
        "data": (f"{page}/{done}?tab=data", "text=42"),
        "groups": (f"{page}/{wide}", ".node.group"),
        "unknown execution": (f"{page}/01a22ba4-020d-780b-8ab1-5f35a16308d5", ".problem"),
        "unknown page": ("/ui/nothing", "text=There is no such page"),
    }


async def task_of(house: House, execution_id: str, name: str) -> int:
    tasks = (await house.api.get(f"/executions/{execution_id}/view")).json()["tasks"]
    return next(int(task["task_id"]) for task in tasks if task["name"] == name)


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_no_page_keeps_people_out(house: House, theme: Theme, size: ViewportSize) -> None:
    page = await house.open("/ui/", color_scheme=theme, viewport=size)
    for name, (path, sign) in (await addresses(house)).items():
        await page.goto(house.root + path)
        await expect(page.locator(sign).first).to_be_visible()
        assert await violations(page) == [], name
        assert not await is_wider_than_the_window(page), name


async def test_the_documentation_works_without_other_hosts(house: House) -> None:
    page = await house.open("/docs")
    await expect(page.locator(".opblock").first).to_be_visible()
    await page.locator("#operations-health-get_entry .opblock-summary-control").click()
    await page.get_by_role("button", name="Try it out", exact=True).click()
    await page.get_by_role("button", name="Execute", exact=True).click()
    await expect(page.locator(".live-responses-table tr.response .response-col_status").first).to_contain_text("200")


async def test_a_browser_is_led_to_the_executions(house: House) -> None:
    page = await house.open("/")
    await expect(page).to_have_url(re.compile(r"/ui/executions$"))
    await expect(page.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    await expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="workflows").click()
    await expect(page.get_by_role("link", name="broken", exact=True)).to_be_visible()


async def test_the_bar_leads_to_the_caller_and_from_there_to_the_documentation(house: House) -> None:
    page = await house.open("/ui/executions")
    await page.get_by_role("link", name="anonymous").click()
    await expect(page.get_by_text("AUTH is off")).to_be_visible()
    await page.get_by_role("link", name="The API for programs").click()
    await expect(page).to_have_url(f"{house.root}/docs")
    await expect(page.locator(".opblock").first).to_be_visible()


async def test_a_theme_is_kept(house: House) -> None:
    page = await house.open("/ui/executions")
    for theme in ("light", "dark"):
        await page.get_by_role("button", name="Theme").click()
        await expect(page.locator("html")).to_have_attribute("data-theme", theme)
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_signing_in_keeps_no_one_out(guarded: House, theme: Theme) -> None:
    page = await guarded.open("/ui/", color_scheme=theme, viewport=PHONE)
    await expect(page.get_by_label("API key or token")).to_be_focused()
    assert await violations(page) == []
    assert not await is_wider_than_the_window(page)


@pytest.mark.slow
async def test_the_thirteenth_tab_is_live_too(house: House) -> None:
    execution_id = await house.start("steps")
    context = await house.context()
    tabs = [await context.new_page() for _ in range(13)]
    for tab in tabs:
        await tab.goto(f"{house.root}/ui/executions/{execution_id}")
    for tab in tabs:
        await expect(tab.locator(".link-live")).to_be_attached()
    await house.signal(execution_id, "go-0")
    for tab in tabs:
        await expect(tab.locator(".node.is-completed", has_text="step-0")).to_be_attached()
