"""What is replaced, what stays, and how much is done at most."""

import orjson
import pytest

from app.masking import NOTHING_HIDDEN, Mask, mask_of
from app.masking.mask import MAX_HITS, TOO_MANY

TOKEN = "s3cr3t-token"


def test_without_secrets_everything_is_returned_as_it_is() -> None:
    value = {"a": [TOKEN]}
    assert mask_of(frozenset()) is NOTHING_HIDDEN
    assert NOTHING_HIDDEN.value(value) is value
    assert NOTHING_HIDDEN.text(TOKEN) == NOTHING_HIDDEN.json(TOKEN) == TOKEN
    assert not NOTHING_HIDDEN.finds(TOKEN)


def test_what_has_no_secret_in_it_is_returned_as_it_is() -> None:
    value = {"a": ["x", 1, None, True]}
    text = '{"a": 1.0,  "b": "token-s3cr3t"}'
    mask = Mask([TOKEN])
    assert mask.value(value) is value
    assert mask.json(text) is text


def test_the_longer_one_of_two_secrets_is_hidden_whole() -> None:
    assert Mask(["abcd", "abcdef"]).text("abcdef abcd") == "*** ***"
    assert Mask(["bcde", "abcdef"]).text("abcdef") == "***"


def test_keys_numbers_and_texts_at_any_depth_are_masked_and_the_rest_is_as_it_was() -> None:
    document = {"a": [{f"x {TOKEN}": [TOKEN, 1.5, None, True, 123456, -1234567]}], "b": {}}
    expected = {"a": [{"x ***": ["***", 1.5, None, True, "***", "-***7"]}], "b": {}}
    mask = Mask([TOKEN, "123456"])
    assert mask.value(document) == expected
    assert orjson.loads(mask.json(orjson.dumps(document).decode())) == expected


def test_names_that_become_the_same_are_one_name() -> None:
    mask = Mask(["one-secret", "two-secret"])
    assert mask.json('{"one-secret":1,"two-secret":2}') == '{"***":2}'


@pytest.mark.parametrize(
    ("secret", "value"),
    [
        ("n3ws", ["\n3ws"]),  # in JSON: \n3ws
        ("u001fab", ["\x1fab"]),
        ("true", [True, "x"]),
        ("1,2,3", [1, 2, 3]),
    ],
)
def test_what_only_looks_like_a_secret_in_its_json_stays(secret: str, value: list[object]) -> None:
    text = orjson.dumps(value).decode()
    assert secret in text
    assert orjson.loads(Mask([secret]).json(text)) == value


def test_other_objects_are_searched_as_they_would_be_written() -> None:
    error = ValueError(TOKEN)
    found = Mask([TOKEN]).value({"error": error, ("a", TOKEN): {1}, "set": (TOKEN, {2})})
    assert found == {"error": "ValueError('***')", "('a', '***')": {1}, "set": ["***", {2}]}


def test_a_secret_with_a_nul_in_it() -> None:
    mask = Mask(["a\x00bc"])
    assert mask.value(["x", "a\x00bc", "y\x00"]) == ["x", "***", "y\x00"]


def test_more_secrets_than_can_be_replaced_hide_the_whole_text() -> None:
    mask = Mask(["abcd", "123456"])
    assert mask.text("abcd " * MAX_HITS) == "*** " * MAX_HITS
    assert mask.text("abcd " * (MAX_HITS + 1)) == TOO_MANY
    assert orjson.loads(mask.json(orjson.dumps(["abcd"] * (MAX_HITS + 1)).decode())) == TOO_MANY
    assert mask.value([123456] * (MAX_HITS + 1)) == TOO_MANY


def test_secrets_of_several_patterns_are_all_hidden() -> None:
    secrets = [f"{number:04}" * 1_000 for number in range(1, 9)]
    mask = Mask([*secrets, TOKEN])
    assert mask.text(" ".join([*secrets, TOKEN])) == " ".join(["***"] * 9)
