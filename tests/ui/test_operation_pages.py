"""The pages about operations, in both themes and sizes: nothing keeps people out, nothing is cut off on a phone."""

import pytest
from playwright.async_api import ViewportSize, expect

from tests.support.dashboard import House, is_wider_than_the_window, violations

DESK: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}


async def addresses(house: House) -> dict[str, tuple[str, str]]:
    """What is looked at: an address, and what is on the page when all of it is there."""
    broken = await house.start("broken")
    await house.history(broken)
    await house.api.patch("/workflows/quick", json={"description": "Answers at once."})
    key = (await house.api.post("/keys", json={"name": "reports", "scopes": ["executions:read"]})).json()
    await house.api.post(f"/keys/{key['id']}/revoke")
    patch = [{"op": "replace", "path": "/timeout_seconds", "value": 60}]
    body = {
        "workflow": "quick",
        "title": "Give up after a minute",
        "rationale": "It never takes longer.",
        "patch": patch,
    }
    suggested = (await house.api.post("/suggestions", json=body)).json()
    entry = (await house.api.get("/audit", params={"action": "workflow.change", "limit": 1})).json()["items"][0]
    return {
        "events": ("/ui/events", ".event >> text=execution failed"),
        "no events": ("/ui/events?type=migrated", "text=No such events lately"),
        "suggestions": ("/ui/suggestions", ".suggestion"),
        "no suggestions": ("/ui/suggestions?status=undone", "text=No such suggestions"),
        "suggestion": (f"/ui/suggestions/{suggested['id']}", "tr.new"),
        "audit": ("/ui/audit", "td.c-action >> text=workflow.change"),
        "entry": (f"/ui/audit/{entry['number']}", "tr.new"),
        "no entry": ("/ui/audit/999999", "text=There is no entry"),
        "keys": ("/ui/keys", "td.c-state >> text=revoked"),
        "me": ("/ui/me", "text=What you may do"),
        "no flows": ("/ui/flows", "text=There are no flows"),
        "tenants": ("/ui/tenants", "text=This page is not for you"),
        "engines": ("/ui/engines", "td.c-status >> text=online"),
    }


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
async def test_no_page_about_operations_keeps_people_out(house: House, theme: str, size: ViewportSize) -> None:
    page = await house.open("/ui/me", color_scheme=theme, viewport=size)
    for name, (path, sign) in (await addresses(house)).items():
        await page.goto(house.root + path)
        await expect(page.locator(sign).first).to_be_visible()
        assert await violations(page) == [], name
        assert not await is_wider_than_the_window(page), name
