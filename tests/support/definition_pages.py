"""What the pages of definitions show in tests."""

from typing import Any

from playwright.async_api import Locator, Page

from tests.support.dashboard import House

INVOICE: dict[str, Any] = {
    "key": "invoice",
    "name": "Invoice",
    "description": "Collects, prices and sends",
    "input_schema": {
        "type": "object",
        "required": ["customer"],
        "properties": {
            "customer": {"type": "string", "title": "Customer"},
            "copies": {"type": "integer", "default": 1},
            "language": {"enum": ["de", "en"]},
            "express": {"type": "boolean"},
            "lines": {"type": "array"},
        },
    },
    "variables": {"vat": 0.19},
    "tasks": [
        {"name": "collect", "execution_type": "sync", "sequence": 1, "type": "transform", "config": {"value": 1}},
        {"name": "price", "execution_type": "async", "sequence": 2, "type": "transform", "config": {"value": 2}},
        {"name": "check", "execution_type": "async", "sequence": 2, "type": "transform", "config": {"value": 3}},
        {
            "name": "send",
            "execution_type": "sync",
            "sequence": 3,
            "type": "transform",
            "config": {"value": "${input}"},
        },
    ],
}
DOOR: dict[str, Any] = {
    "key": "door",
    "name": "Door",
    "states": [
        {"name": "closed", "initial": True},
        {"name": "open", "after": {"seconds": 86400, "to": "closed"}, "metadata": {"display_name": "Wide open"}},
        {"name": "gone", "final": True},
    ],
    "transitions": [
        {"from": "closed", "to": "open", "name": "unlock", "conditions": {"field_required": "code"}},
        {"from": "open", "to": "closed", "name": "shut"},
        {"from": "open", "to": "gone", "name": "smash", "conditions": {"cel": "data.strength > 9"}},
        {"from": "*", "to": "gone", "name": "remove", "conditions": {"role": "admin"}},
    ],
}
PASTE = """(element, text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  element.dispatchEvent(new ClipboardEvent("paste", {clipboardData, bubbles: true, cancelable: true}));
}"""
SCHEDULE: dict[str, Any] = {"workflow": "invoice", "key": "nightly", "cron": "0 2 * * *", "input": {"customer": "4711"}}


async def create(house: House, path: str, document: dict[str, Any]) -> dict[str, Any]:
    answer = await house.api.post(path, json=document)
    assert answer.status_code in (200, 201), answer.text
    created: dict[str, Any] = answer.json()
    return created


async def a_door(house: House) -> str:
    """The id of an entity."""
    await create(house, "/machines", DOOR)
    started = await create(house, "/entities", {"machine": "door", "entity_table": "doors", "entity_id": "front"})
    return str(started["id"])


async def move(house: House, entity: str, transition: str, **context: Any) -> None:
    await create(house, f"/entities/{entity}/transitions", {"transition": transition, "context": context})


def editor(page: Page) -> Locator:
    return page.locator(".editor .cm-content")


async def write(page: Page, text: str) -> None:
    """Replace what the editor has, as people paste a text."""
    await editor(page).focus()
    await page.keyboard.press("Control+A")
    await editor(page).evaluate(PASTE, text)
