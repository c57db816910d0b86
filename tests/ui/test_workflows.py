"""Workflows: edited while others edit them, run by a form, restored."""

import re
from typing import Any

import yaml
from playwright.async_api import Page, expect

from tests.support.dashboard import House
from tests.support.definition_pages import INVOICE, create, editor, write

FILE = yaml.safe_dump(INVOICE, sort_keys=False)
SAVE, VALID = re.compile("^Save$"), re.compile("^valid")


async def editing(house: House) -> tuple[Page, dict[str, Any]]:
    stored = await create(house, "/workflows", INVOICE)
    page = await house.open("/ui/workflows")
    await page.get_by_role("link", name="Invoice").first.click()
    await page.get_by_role("link", name="Edit").click()
    await expect(editor(page)).to_contain_text("key: invoice")
    return page, stored


async def test_a_problem_is_shown_at_its_line_while_it_is_written(house: House) -> None:
    page, _ = await editing(house)
    await write(page, FILE.replace("type: transform", "type: transfrom", 1))
    problems = page.get_by_role("region", name="Problems")
    await expect(problems.get_by_role("status")).to_contain_text("1 problem")
    line = next(at for at, text in enumerate(FILE.split("\n"), start=1) if "type: transform" in text)
    await expect(problems.get_by_role("button")).to_contain_text(re.compile(rf"{line}:\d+tasks\[0\]\.type"))
    await expect(page.locator(".cm-lintRange-error")).to_have_text("type")
    await problems.get_by_role("button").click()
    await expect(page.locator(".cm-lineNumbers .cm-activeLineGutter")).to_have_text(str(line))
    await write(page, "key: invoice\nkey: twice\n")
    await expect(problems.get_by_role("button")).to_contain_text("2:1")
    await write(page, FILE)
    await expect(problems.get_by_role("status")).to_contain_text(VALID)


async def test_a_change_of_others_is_shown_and_not_lost(house: House) -> None:
    page, stored = await editing(house)
    await write(page, FILE.replace("Collects, prices and sends", "Mine"))
    theirs = await house.api.patch("/workflows/invoice", json={"variables": {"vat": 0.25}})
    assert theirs.status_code == 200
    await page.get_by_role("button", name=SAVE).click()
    conflict = page.get_by_role("alert", name="Saved meanwhile")
    await expect(conflict.get_by_role("heading")).to_have_text("Revision 2 was saved meanwhile")
    await expect(conflict.locator(".diff .gone .text")).to_have_text(re.compile("vat: 0.19"))
    await expect(conflict.locator(".diff .new .text")).to_have_text(re.compile("vat: 0.25"))
    assert (await house.api.get("/workflows/invoice")).json()["revision"] == 2, "nothing is saved yet"
    await conflict.get_by_role("tab", name="What saving yours would change").click()
    await expect(conflict.locator(".diff .gone", has_text="vat: 0.25")).to_be_visible()
    await conflict.get_by_role("button", name="Continue with my text").click()
    await write(page, FILE.replace("Collects, prices and sends", "Mine").replace("0.19", "0.25"))
    await page.get_by_role("button", name=SAVE).click()
    await expect(page.get_by_text("revision 3,")).to_be_visible()
    saved = (await house.api.get("/workflows/invoice")).json()
    assert (saved["description"], saved["variables"]) == ("Mine", {"vat": 0.25})
    assert [task["id"] for task in saved["tasks"]] == [task["id"] for task in stored["tasks"]]


async def test_the_language_is_changed_with_the_text_that_is_not_saved(house: House) -> None:
    page, _ = await editing(house)
    await write(page, FILE.replace("Collects, prices and sends", "Mine"))
    await page.get_by_role("button", name="JSON", exact=True).click()
    await expect(editor(page)).to_contain_text('"description": "Mine"')
    await page.keyboard.press("Control+S")  # the editor has no focus: nothing happens
    await editor(page).click()
    await page.keyboard.press("Control+S")
    await expect(page.get_by_text("revision 2,")).to_be_visible()
    assert (await house.api.get("/workflows/invoice")).json()["description"] == "Mine"


async def test_keys_of_the_page_are_letters_in_the_editor_and_tab_leaves_it(house: House) -> None:
    page, _ = await editing(house)
    await editor(page).focus()
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("# ge? jk/\n")
    await expect(page.locator(".cm-line").first).to_have_text("# ge? jk/")
    await expect(page).to_have_url(re.compile("/edit$"))
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_role("region", name="Problems").get_by_role("status")).to_contain_text(VALID)
    await page.keyboard.press("Tab")
    await expect(page.locator(".cm-focused")).to_have_count(0)


async def test_a_text_that_was_not_saved_is_there_again(house: House) -> None:
    page, _ = await editing(house)
    await write(page, FILE.replace("Collects, prices and sends", "Mine"))
    await page.get_by_role("link", name="leave").click()
    await page.get_by_role("link", name="Edit").click()
    await expect(editor(page)).to_contain_text("description: Mine")
    await page.get_by_role("button", name="Discard it").click()
    await expect(editor(page)).to_contain_text("Collects, prices and sends")


async def test_a_kept_text_undoes_no_later_change(house: House) -> None:
    page, _ = await editing(house)
    await write(page, FILE.replace("Collects, prices and sends", "Mine"))
    await page.get_by_role("link", name="leave").click()
    await house.api.patch("/workflows/invoice", json={"variables": {"vat": 0.25}})
    await page.get_by_role("link", name="Edit").click()
    await expect(editor(page)).to_contain_text("description: Mine")
    await page.get_by_role("button", name=SAVE).click()
    conflict = page.get_by_role("alert", name="Saved meanwhile")
    await expect(conflict.locator(".diff .new .text")).to_have_text(re.compile("vat: 0.25"))
    await conflict.get_by_role("button", name="Take theirs").click()
    await expect(editor(page)).to_contain_text("vat: 0.25")
    await expect(page.get_by_role("button", name=SAVE)).to_be_disabled()


async def test_a_new_workflow_is_written(house: House) -> None:
    page = await house.open("/ui/workflows")
    await page.get_by_role("link", name="New workflow").click()
    await expect(editor(page)).to_contain_text("my-workflow")
    await expect(page.get_by_role("region", name="Problems").get_by_role("status")).to_contain_text(VALID)
    await page.get_by_role("button", name="Create").click()
    await expect(page.get_by_role("heading", level=1, name="My workflow")).to_be_visible()
    await expect(page.locator(".node", has_text="greet")).to_be_visible()
    assert (await house.api.get("/workflows/my-workflow")).status_code == 200


async def test_a_run_is_started_by_a_form(house: House) -> None:
    workflow = await create(house, "/workflows", INVOICE)
    page = await house.open(f"/ui/workflows/{workflow['id']}")
    await expect(page.locator(".node")).to_have_count(4)
    await page.get_by_role("button", name="Run", exact=True).click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Customer").fill("4711")
    await dialog.get_by_label("copies").fill("two")
    await expect(dialog.get_by_role("button", name="Run", exact=True)).to_be_disabled()
    await dialog.get_by_label("copies").fill("2")
    await dialog.get_by_label("language").select_option("de")
    await dialog.get_by_label("express").select_option("true")
    await dialog.get_by_label("lines").fill('[{"item": "tea"}]')
    await dialog.get_by_label("Idempotency key").fill("once")
    await dialog.get_by_role("button", name="Dry run").click()
    await expect(dialog.get_by_text("It would end as")).to_contain_text("completed")
    assert (await house.api.get("/executions")).json()["items"] == [], "a dry run starts nothing"
    await dialog.get_by_role("button", name="Run", exact=True).click()
    await expect(page).to_have_url(re.compile("/ui/executions/[0-9a-f-]{36}$"))
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()
    (started,) = (await house.api.get("/executions")).json()["items"]
    execution = (await house.api.get(f"/executions/{started['id']}")).json()
    given = {"customer": "4711", "copies": 2, "language": "de", "express": True, "lines": [{"item": "tea"}]}
    assert (execution["input"], execution["idempotency_key"]) == (given, "once")


async def test_the_input_is_refused_in_the_words_of_the_service(house: House) -> None:
    workflow = await create(house, "/workflows", INVOICE)
    page = await house.open(f"/ui/workflows/{workflow['id']}?run=1")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="JSON").click()
    await dialog.get_by_label("Input as JSON").fill('{"copies": "two"}')
    await dialog.get_by_role("button", name="Run", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_contain_text("customer")
    await expect(page).to_have_url(re.compile("/ui/workflows/"))


async def test_a_revision_is_restored(house: House) -> None:
    workflow = await create(house, "/workflows", INVOICE)
    await house.api.patch("/workflows/invoice", json={"description": "Second"})
    page = await house.open(f"/ui/workflows/{workflow['id']}?tab=revisions")
    await expect(page.locator(".diff .new .text")).to_have_text(re.compile("description: Second"))
    await page.get_by_role("list", name="Revisions").get_by_role("button").nth(1).click()
    await page.get_by_role("button", name="Restore").click()
    await page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    await expect(page.get_by_role("list", name="Revisions").get_by_role("listitem")).to_have_count(3)
    assert (await house.api.get("/workflows/invoice")).json()["description"] == INVOICE["description"]


async def test_a_list_follows_what_runs_and_what_is_changed(house: House) -> None:
    await create(house, "/workflows", INVOICE)
    page = await house.open("/ui/workflows?q=invo")
    row = page.locator("tbody tr")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("never run")
    await expect(page.locator(".link-live")).to_be_visible()
    await house.history(await house.start("invoice", '{"customer": "1"}'))
    await expect(row.locator(".st-completed")).to_be_visible()
    await house.api.patch("/workflows/invoice", json={"name": "Invoices of all"})
    await expect(row).to_contain_text("Invoices of all")
