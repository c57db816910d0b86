"""Keys and tenants in the dashboard."""

import re
from collections.abc import Mapping

from playwright.async_api import Page, expect

from app.domain.permissions import Role
from tests.support.callers import Keys, bearer
from tests.support.dashboard import House, violations


async def signed_in(house: House, key: str, path: str) -> Page:
    page = await house.open(path)
    await page.get_by_label("API key or token").fill(key)
    await page.keyboard.press("Enter")
    return page


async def status_of(house: House, headers: Mapping[str, str]) -> int:
    return (await house.api.get("/me", headers=headers)).status_code


async def test_a_key_is_made_shown_once_and_revoked(guarded: House, database_url: str) -> None:
    page = await signed_in(guarded, await Keys(database_url).of_role(Role.ADMIN), "/ui/keys")
    await page.get_by_role("button", name="New key").click()
    await expect(page.get_by_role("radio", name=re.compile("system"))).to_have_count(0)
    await page.get_by_label("Name", exact=True).fill("nightly reports")
    await page.get_by_role("radio", name=re.compile("operator")).check()
    await page.get_by_label("Only workflows that match").fill("quick*")
    await page.get_by_role("button", name="Make the key").click()
    dialog = page.get_by_role("dialog")
    text = await dialog.get_by_label("The text of the key").input_value()
    me = (await guarded.api.get("/me", headers=bearer(text))).json()
    assert (me["role"], me["workflows"]) == ("operator", "quick*")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_visible()
    assert await violations(page) == []
    await dialog.get_by_label("I have stored it").check()
    await dialog.get_by_role("button", name="Done").click()
    row = page.locator("tbody tr", has_text="nightly reports")
    await expect(row).to_contain_text("valid")
    assert text not in await page.content()
    await page.get_by_role("button", name="Revoke nightly reports").click()
    await dialog.get_by_role("button", name="Revoke the key").click()
    await expect(row).to_contain_text("revoked")
    await expect(row.get_by_role("button")).to_have_count(0)
    assert await status_of(guarded, bearer(text)) == 401


async def test_a_refused_key_keeps_what_was_typed(guarded: House, database_url: str) -> None:
    page = await signed_in(guarded, await Keys(database_url).of_role(Role.ADMIN), "/ui/keys")
    await page.get_by_role("button", name="New key").click()
    await page.get_by_label("Name", exact=True).fill("too much")
    await page.get_by_role("radio", name=re.compile("editor")).check()
    await page.get_by_label("Only workflows that match").fill("quick*")
    await page.get_by_role("button", name="Make the key").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    await expect(page.get_by_label("Name", exact=True)).to_have_value("too much")


async def test_a_tenant_is_limited_suspended_and_resumed(guarded: House, database_url: str) -> None:
    page = await signed_in(guarded, await Keys(database_url).of_role(Role.SYSTEM), "/ui/tenants")
    await page.get_by_role("button", name="New tenant").click()
    await page.get_by_label("Key", exact=True).fill("sales")
    await expect(page.get_by_text("workflow auth bootstrap --tenant sales")).to_be_visible()
    await page.get_by_role("button", name="Make the tenant").click()
    row = page.locator("tbody tr", has_text="sales")
    await expect(row).to_contain_text("active")
    await page.get_by_role("button", name="Limits of sales").click()
    await page.get_by_label("Running at once").fill("50")
    await page.get_by_role("button", name="Change the limits").click()
    await expect(row).to_contain_text("50")
    await page.get_by_role("button", name="Suspend sales").click()
    await page.get_by_role("button", name="Suspend the tenant").click()
    await expect(row).to_contain_text("suspended")
    await page.get_by_role("button", name="Resume sales").click()
    await expect(row).to_contain_text("active")
    assert await violations(page) == []


async def test_a_viewer_finds_none_of_it(guarded: House) -> None:
    page = await signed_in(guarded, guarded.keys[Role.VIEWER], "/ui/engines")
    await expect(page.get_by_role("heading", name="Engines", level=1)).to_be_visible()
    for word in ("Audit", "Keys", "Tenants"):
        await expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name=word)).to_have_count(0)
    await page.goto(f"{guarded.root}/ui/keys")
    await expect(page.get_by_text("This page is not for you")).to_be_visible()
    await page.get_by_role("link", name="What you may do").click()
    await expect(page.get_by_text("executions:read")).to_be_visible()
    await expect(page.get_by_text("keys:manage")).to_have_count(0)
    await page.get_by_role("main").get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key or token")).to_be_visible()
