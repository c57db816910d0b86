"""The pages of definitions, in both themes and sizes, and by role."""

import re

import pytest
from playwright.async_api import ViewportSize, expect

from app.domain.permissions import Role
from tests.support.callers import Keys
from tests.support.dashboard import House, is_wider_than_the_window, violations
from tests.support.definition_pages import DOOR, INVOICE, SCHEDULE, a_door, create, move

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
CHANGES = re.compile("Run|Edit|Delete|New|Pause|Resume|Start|Move|Try|Restore|Change")


async def addresses(house: House) -> dict[str, tuple[str, str]]:
    """What is looked at: an address, and what is on the page when all of it is there."""
    invoice = (await create(house, "/workflows", INVOICE))["id"]
    await house.api.patch("/workflows/invoice", json={"description": "Second"})
    await create(house, "/schedules", SCHEDULE)
    await create(house, "/schedules", SCHEDULE | {"key": "paused", "paused": True})
    await house.history(await house.start("invoice", '{"customer": "1"}'))
    door = await a_door(house)
    await move(house, door, "unlock", code="1")
    workflow, machine = f"/ui/workflows/{invoice}", "/ui/machines/door"
    return {
        "workflows": ("/ui/workflows", ".newest .st-completed"),
        "no workflow": ("/ui/workflows?q=nothing", "text=No workflow has such a name"),
        "graph": (workflow, ".node"),
        "run": (f"{workflow}?run=1", "dialog"),
        "executions": (f"{workflow}?tab=executions", "tbody tr"),
        "statistics": (f"{workflow}?tab=statistics", ".figure"),
        "revisions": (f"{workflow}?tab=revisions", ".diff .new"),
        "its schedules": (f"{workflow}?tab=schedules", ".fires li"),
        "editor": (f"{workflow}/edit", ".cm-line"),
        "new": ("/ui/workflows/new", ".verdict-valid"),
        "schedules": ("/ui/schedules", ".fires li"),
        "machines": ("/ui/machines", "tbody tr"),
        "machine": (machine, ".node"),
        "transitions": (f"{machine}?tab=transitions", ".list-of-transitions tbody tr"),
        "machine's revisions": (f"{machine}?tab=revisions", ".diff .new"),
        "entities": ("/ui/entities", "tbody tr"),
        "entity": (f"/ui/entities/{door}", ".state-current"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_no_page_keeps_people_out(house: House, theme: str, size: ViewportSize) -> None:
    page = await house.open("/ui/workflows", color_scheme=theme, viewport=size)
    for name, (path, sign) in (await addresses(house)).items():
        await page.goto(house.root + path)
        await expect(page.locator(sign).first).to_be_visible()
        assert await violations(page) == [], name
        assert not await is_wider_than_the_window(page), name


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
async def test_no_dialog_keeps_people_out(house: House, theme: str) -> None:
    await create(house, "/workflows", INVOICE)
    await create(house, "/schedules", SCHEDULE)
    door = await a_door(house)
    page = await house.open("/ui/schedules", color_scheme=theme, viewport=PHONE)
    dialogs = (
        ("/ui/schedules", "New schedule"),
        ("/ui/schedules", "Edit nightly"),
        ("/ui/schedules", "Delete nightly"),
        ("/ui/machines/door", "Start entity"),
        (f"/ui/entities/{door}", "unlock …"),
        (f"/ui/entities/{door}", "Change"),
        ("/ui/workflows/invoice", "Delete"),
    )
    for path, button in dialogs:
        await page.goto(house.root + path)
        await page.get_by_role("button", name=button, exact=True).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        assert await violations(page) == [], button
        assert not await is_wider_than_the_window(page), button


async def test_a_viewer_sees_no_control(guarded: House, database_url: str) -> None:
    admin = {"Authorization": f"Bearer {await Keys(database_url).of_role(Role.ADMIN)}"}
    for path, body in (("/workflows", INVOICE), ("/machines", DOOR), ("/schedules", SCHEDULE)):
        assert (await guarded.api.post(path, json=body, headers=admin)).status_code == 201
    entity = {"machine": "door", "entity_table": "doors", "entity_id": "front"}
    started = (await guarded.api.post("/entities", json=entity, headers=admin)).json()["id"]
    workflow = (await guarded.api.get("/workflows/invoice", headers=admin)).json()["id"]
    page = await guarded.open("/ui/workflows")
    await page.get_by_label("API key or token").fill(guarded.keys[Role.VIEWER])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Workflows", level=1)).to_be_visible()
    pages = {
        "/ui/workflows": "tbody tr",
        f"/ui/workflows/{workflow}": ".node",
        f"/ui/workflows/{workflow}?tab=revisions": ".diff",
        "/ui/schedules": ".fires",
        "/ui/machines/door": "tbody tr",
        f"/ui/entities/{started}": ".transitions",
    }
    for path, sign in pages.items():
        await page.goto(guarded.root + path)
        await expect(page.locator(sign).first).to_be_visible()
        controls = page.locator("main").locator("button:not(.node):not([role=tab]), a.button").filter(has_text=CHANGES)
        assert await controls.all_text_contents() == [], path
    await expect(page.locator(".transitions")).to_contain_text("needs code")
