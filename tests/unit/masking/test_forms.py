"""A secret is found however it was written, also when it was written so several times over."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.masking import Mask

Encoding = Callable[[str], str]

ENCODINGS: dict[str, Encoding] = {
    "json": json.dumps,
    "json as it is": lambda text: json.dumps(text, ensure_ascii=False),
    "repr": repr,
    "ascii": ascii,
    "repr of bytes": lambda text: repr(text.encode()),
    "quote": quote,
    "quote all": lambda text: quote(text, safe=""),
    "quote_plus": quote_plus,
}
KEY = (
    "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAAS\nCBKcwggSjAgEAAoIBAQC7VJTUt9Us+/q\nshort==\n-----END KEY-----"
)
SECRETS = ["plain-token-1", """it's "q\\uoted" %41 + / end""", KEY, "Schlüssel-пароль-🔑\u2028\x7f", "tab\tbell\a\x00!"]
NO_QUOTES = str.maketrans("", "", "\\\"'")

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=30).filter(
    lambda text: len(text.strip()) > 3
)


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize("outer", [str, *ENCODINGS.values()], ids=["once", *ENCODINGS])
@pytest.mark.parametrize("inner", ENCODINGS.values(), ids=ENCODINGS)
def test_each_encoding_and_two_of_them(secret: str, inner: Encoding, outer: Encoding) -> None:
    masked = Mask([secret]).text(outer(inner(f"<{secret}>")))
    before, _, after = outer(inner("<Q9Q>")).partition("Q9Q")
    # The quotes around a text depend on those in it.
    assert masked.translate(NO_QUOTES) == f"{before}***{after}".translate(NO_QUOTES)


@given(texts, st.sampled_from(sorted(ENCODINGS)), st.text('ab"\\ %', max_size=3), st.text('ab"\\ %', max_size=3))
@settings(max_examples=300)
def test_nothing_is_left_of_any_secret(secret: str, encoding: str, before: str, after: str) -> None:
    encode = ENCODINGS[encoding]
    masked = Mask([secret]).text(encode(f"{before}{secret}{after}"))
    assert "***" in masked
    assert encode(secret).strip("\"'")[2:-1] not in masked or len(secret) < 6


@given(texts, st.binary(max_size=4), st.binary(max_size=4), st.booleans(), st.booleans())
@settings(max_examples=300)
def test_base64_of_something_that_contains_it(
    secret: str, before: bytes, after: bytes, is_for_urls: bool, is_quoted: bool
) -> None:
    data = before + secret.encode() + after
    encoded = (base64.urlsafe_b64encode(data) if is_for_urls else base64.b64encode(data)).decode()
    masked = Mask([secret]).text(quote(encoded, safe="") if is_quoted else encoded)
    # What stands before it can be left, with the two bits or four that share a character with it.
    assert masked.endswith("***")
    assert len(masked) <= len("***") + 3 * (-(-len(before) * 4 // 3))


def test_a_key_is_hidden_without_its_line_breaks_and_with_others() -> None:
    mask = Mask([KEY])
    body = KEY.splitlines()[1:-1]
    for text in (KEY.replace("\n", "\r\n"), KEY.replace("\n", "\\n"), KEY.replace("\n", "\n    ")):
        assert mask.text(f"a {text} z") == "a *** z"
    assert mask.text(" ".join(body)) == "*** *** short=="
    assert mask.text(KEY.splitlines()[0]) == KEY.splitlines()[0], "every key has this line"
