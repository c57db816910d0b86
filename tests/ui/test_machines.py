"""Entities are started, moved and followed."""

import re

from playwright.async_api import Locator, Page, expect

from tests.support.dashboard import House
from tests.support.definition_pages import DOOR, a_door, create, move


def current(page: Page) -> Locator:
    return page.locator(".state-current")


def history(page: Page) -> Locator:
    return page.get_by_role("region", name="History").get_by_role("listitem")


async def test_an_entity_that_others_move_is_followed(house: House) -> None:
    entity = await a_door(house)
    page = await house.open(f"/ui/entities/{entity}")
    await expect(current(page)).to_have_text("closedstart")
    await expect(history(page)).to_have_count(1)
    await expect(page.locator(".link-live")).to_be_visible()
    await page.evaluate("window.isTheSame = true")
    await move(house, entity, "unlock", code="A-17")
    await expect(current(page)).to_contain_text("Wide open")
    await expect(page.locator(".due")).to_contain_text("closed")
    await expect(page.locator(".state-visited", has_text="closed")).to_be_visible()
    await expect(history(page).filter(has_text="unlock")).to_have_count(1)
    possible = page.get_by_role("region", name="Transitions").get_by_role("listitem")
    await expect(possible.filter(has_text="smash").first).to_contain_text("cel")
    await move(house, entity, "shut")
    await expect(current(page)).to_contain_text("closed")
    events = (await house.api.get(f"/entities/{entity}/events")).json()["items"]
    await expect(history(page)).to_have_count(len(events))
    numbers = await history(page).locator(".at").all_text_contents()
    assert [int(number) for number in numbers] == [event["sequence"] for event in reversed(events)]
    assert await page.evaluate("window.isTheSame")


async def test_a_page_catches_up_after_the_server_was_killed(house: House) -> None:
    entity = await a_door(house)
    page = await house.open(f"/ui/entities/{entity}")
    await expect(page.locator(".link-live")).to_be_visible()
    await move(house, entity, "unlock", code="A-17")
    await expect(current(page)).to_contain_text("Wide open")
    await house.rest.kill()
    await expect(page.locator(".link-live")).to_have_count(0)
    await house.rest.start()
    await move(house, entity, "shut")
    await expect(current(page)).to_contain_text("closed")
    events = (await house.api.get(f"/entities/{entity}/events")).json()["items"]
    await expect(history(page)).to_have_count(len(events))


async def test_a_transition_is_made_by_a_form(house: House) -> None:
    entity = await a_door(house)
    page = await house.open(f"/ui/entities/{entity}")
    await page.get_by_role("button", name="unlock …").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_role("status")).to_contain_text("field_required: code")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("field_required: code")
    await dialog.get_by_label("code").fill("A-17")
    await expect(dialog.get_by_role("status")).to_contain_text("nothing blocks it")
    await dialog.get_by_label("Notes").fill("the postman is here")
    await dialog.get_by_role("button", name="Move").click()
    await expect(current(page)).to_contain_text("Wide open")
    await expect(page.locator("q")).to_have_text("the postman is here")
    moved = (await house.api.get(f"/entities/{entity}/events")).json()["items"][1]
    assert (moved["context"], moved["notes"]) == ({"code": "A-17"}, "the postman is here")


async def test_a_rival_is_seen_before_and_by_the_refusal(house: House) -> None:
    entity = await a_door(house)
    page = await house.open(f"/ui/entities/{entity}")
    await expect(page.locator(".link-live")).to_be_visible()
    await page.get_by_role("button", name="unlock …").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("code").fill("A-17")
    await move(house, entity, "unlock", code="B-1")
    await expect(dialog.get_by_text("It has changed meanwhile")).to_contain_text("Wide open")
    await dialog.get_by_role("button", name="Move").click()
    await expect(dialog.locator(".problem")).to_be_visible()
    assert (await house.api.get(f"/entities/{entity}")).json()["state"] == "open"


async def test_data_are_changed(house: House) -> None:
    entity = await a_door(house)
    page = await house.open(f"/ui/entities/{entity}")
    await page.get_by_role("button", name="Change", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Changes").fill('{"strength": 10')
    await expect(dialog.get_by_role("button", name="Change", exact=True)).to_be_disabled()
    await dialog.get_by_label("Changes").fill('{"strength": 10}')
    await dialog.get_by_role("button", name="Change", exact=True).click()
    await expect(page.get_by_role("region", name="Data")).to_contain_text("strength: 10")


async def test_an_entity_is_started_and_found_by_its_state(house: House) -> None:
    await create(house, "/machines", DOOR)
    page = await house.open("/ui/entities")
    await expect(page.get_by_text("There is no entity yet")).to_be_visible()
    await page.get_by_role("main").get_by_role("link", name="machine").click()
    await page.get_by_role("link", name="Door").click()
    await expect(page.locator(".node")).to_have_count(3)
    await expect(page.get_by_text("There is no entity yet")).to_be_visible()
    await page.get_by_role("button", name="Start entity").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Table", exact=True).fill("doors")
    await dialog.get_by_label("Id in the table").fill("back")
    await dialog.get_by_role("button", name="Start", exact=True).click()
    await expect(page).to_have_url(re.compile("/ui/entities/"))
    await expect(current(page)).to_contain_text("closed")
    await page.get_by_role("link", name="Door").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.locator(".node", has_text="Wide open").click()
    await expect(page.get_by_text("There is no such entity")).to_be_visible()
    await page.locator(".node", has_text="closed").click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.get_by_role("tab", name="Transitions").click()
    await expect(page.get_by_role("table", name="Transitions")).to_contain_text("any state → gone")


async def test_entities_are_filtered(house: House) -> None:
    entity = await a_door(house)
    other = {"machine": "door", "entity_table": "doors", "entity_id": "back"}
    await create(house, "/entities", other)
    await move(house, entity, "unlock", code="1")
    page = await house.open("/ui/entities")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(2)
    await page.get_by_label("Machine").select_option("door")
    await page.get_by_label("State").select_option("open")
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("doors/front")
    await expect(page).to_have_url(re.compile("machine=door&state=open"))
    await page.go_back()
    await expect(rows).to_have_count(2)


async def test_arrow_keys_follow_the_lines(house: House) -> None:
    machine = await create(house, "/machines", DOOR)
    page = await house.open(f"/ui/machines/{machine['id']}")
    await page.locator(".node", has_text="closed").focus()
    for way, name in (("Right", "Wide open"), ("Right", "gone"), ("Left", "Wide open")):
        await page.keyboard.press(f"Arrow{way}")
        await expect(page.locator(".node:focus")).to_have_attribute("aria-label", re.compile(f"^{name}"))
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(re.compile("state=open"))
