"""What pages compute themselves: differences of texts, and values of forms."""

import difflib
import random
from typing import Any

from tests.support.dashboard import SCRIPTS, House

WORDS = ("a", "b", "c", "d", "")


async def evaluated(house: House, script: str, module: str, cases: Any) -> Any:
    page = await house.open("/ui/workflows")
    source = await page.locator("script[type=module]").get_attribute("src")
    url = await page.evaluate(
        "([src, name]) => new URL(src.replace('app.js', name), document.baseURI).href", [source, module]
    )
    return await page.evaluate((SCRIPTS / script).read_text("utf-8"), [url, cases])


def a_text(numbers: random.Random) -> str:
    return "\n".join(numbers.choice(WORDS) for _ in range(numbers.randrange(12)))


def fewest_changes(before: list[str], after: list[str]) -> int:
    """By a table, as in any book."""
    rows = [[0] * (len(after) + 1) for _ in range(len(before) + 1)]
    for i, left in enumerate(before, start=1):
        for j, right in enumerate(after, start=1):
            rows[i][j] = rows[i - 1][j - 1] + 1 if left == right else max(rows[i - 1][j], rows[i][j - 1])
    return len(before) + len(after) - 2 * rows[-1][-1]


async def test_differences_have_both_texts_and_as_few_changes_as_can_be(house: House) -> None:
    numbers = random.Random(17)
    pairs = [(a_text(numbers), a_text(numbers)) for _ in range(200)]
    pairs += [("", ""), ("", "a"), ("a\n", "a"), ("\n".join("abcdefghij" * 9), "\n".join("abcdefghij" * 9) + "\nz")]
    for (before, after), found in zip(pairs, await evaluated(house, "line_diff.js", "lib/diff.js", pairs), strict=True):
        left, right = (text.removesuffix("\n").split("\n") if text else [] for text in (before, after))
        assert found["before"].split("\n") == (left or [""])
        assert found["after"].split("\n") == (right or [""])
        assert found["left"] == list(range(1, len(left) + 1))
        assert found["right"] == list(range(1, len(right) + 1))
        assert found["isComplete"]
        assert found["changed"] == fewest_changes(left, right), list(difflib.ndiff(left, right))


async def test_a_form_gives_back_the_value_that_it_was_given(house: House) -> None:
    schema = {
        "properties": {
            "text": {"type": "string"},
            "number": {"type": ["number", "null"]},
            "whole": {"type": "integer", "default": 3},
            "flag": {"type": "boolean"},
            "choice": {"enum": ["1", 1, None, True]},
            "list": {"type": "array"},
            "either": {"type": ["string", "integer"]},
            "any": True,
        }
    }
    full = {
        "text": " 1 ",
        "number": -1.5e300,
        "whole": 0,
        "flag": False,
        "choice": 1,
        "list": [{"a": None}],
        "either": "1",
        "any": {"deep": ["\n"]},
        "not in the schema": 1,
    }
    cases = [(schema, full), (schema, {}), (schema, {"choice": "1"}), ({"type": "array"}, {}), (None, {})]
    whole, empty, text, *none = await evaluated(house, "schema_form.js", "lib/schema.js", cases)
    assert (whole["value"], whole["errors"]) == (full, {})
    assert whole["kinds"] == ["string", "number", "integer", "boolean", "choice", "json", "json", "json"]
    assert empty["value"] == {"whole": 3}
    assert text["value"] == {"choice": "1", "whole": 3}
    assert none == [None, None]
