"""A text that is not YAML is explained at its place, in sentences that say what to do."""

import re

import pytest

from app.api.rest.files.places import DocumentError
from app.api.rest.files.yaml_documents import load_yaml

LIBRARY_WORDS = re.compile(
    r"scalar|token|block|flow|mapping values|node|stream|while |expected|unacceptable|yaml\.|unicode string|simple key"
)

MISTAKES = [
    ("key: a\ntasks:\n\t- name: x\n", 3, 1, "a tab is not allowed here; indent with spaces"),
    ("key: a\nname: @x\n", 2, 7, "a value cannot begin with '@'; put it in quotes"),
    ("key: `a`\n", 1, 6, "a value cannot begin with '`'; put it in quotes"),
    ("key: a\nname: Orders: all\n", 2, 13, "`:` is not allowed here; put a text that contains `: ` in quotes, or"),
    ("key: a\n  name: b\n", 2, 7, "`:` is not allowed here;"),
    ("key: - a\n", 1, 6, "`- ` is not allowed here; a list begins on a line of its own"),
    ("key: ? a\n", 1, 6, "`? ` is not allowed here;"),
    ("key: a\nname\ntasks: []\n", 2, 1, "`:` is missing after this name"),
    ('key: a\nname: "Orders\ntasks: []\n', 2, 7, "the text that begins here has no closing quote"),
    ("key: a\nname: 'Orders\n", 2, 7, "the text that begins here has no closing quote"),
    ('name: "C:\\data"\n', 1, 11, r"`\d` is not an escape; write `\\` or use single quotes"),
    ('a: "\\xZZ"\n', 1, 7, "this escape needs 2 hexadecimal digits"),
    ("key: a\nlist: [a, b\nname: x\n", 3, 5, "`,` or `]` is missing here, in the list that begins at line 2"),
    ("key: a\nconfig: {a: 1 b: 2}\n", 2, 16, "`,` or `}` is missing here, in the mapping that begins at line 2"),
    ("name: 'it's'\n", 1, 11, "the value has ended before this; put all of it in quotes"),
    ("url: {vars.x}/y\n", 1, 14, "the value has ended before this;"),
    ("key: a\n- b\n", 2, 1, "`- ` is not allowed among fields; correct the indentation"),
    ("- a\nb: c\n", 2, 1, "a field is not allowed among list elements; correct the indentation"),
    ("t:\n    - name: x\n  - name: y\n", 3, 3, "this is not indented as the lines before it;"),
    ("key: *x\n", 1, 6, "`*x` names no anchor; put a text that begins with `*` in quotes"),
    ("a: &x 1\nb: &x 2\n", 2, 4, "the anchor `&x` exists already"),
    ("key: *\n", 1, 7, "a text that begins with `*` or `&` must be in quotes"),
    ("text: |x\n  a\n", 1, 8, "nothing may follow `|` or `>` on its line;"),
    ("key: !<x y\n", 1, 9, "a text that begins with `!` must be in quotes"),
    ("key: !e!x y\n", 1, 6, "a text that begins with `!` must be in quotes"),
    ("%YAML 3.0\n---\na: b\n", 1, 1, "a line that begins with `%` cannot be used here; remove it"),
    ("%YAML x\n---\na: b\n", 1, 7, "a line that begins with `%` cannot be used here; remove it"),
    ("a: b\n...\nx: [\n", 3, 1, "`---` is missing before this document"),
    ("a: [\n", 2, 1, "a value is missing here"),
    ("a: b\n\nc: \x07\n", 3, 4, "the character U+0007 is not allowed; write it as an escape in quotes"),
]


@pytest.mark.parametrize(("text", "line", "column", "sentence"), MISTAKES)
def test_a_mistake_is_explained_at_its_place(text: str, line: int, column: int, sentence: str):
    with pytest.raises(DocumentError) as caught:
        load_yaml(text)
    assert caught.value.message.startswith(sentence)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert not LIBRARY_WORDS.search(re.sub(r"`[^`]*`|'[^']*'", "", caught.value.message))


def test_no_text_is_explained_in_the_words_of_the_parser():
    """Every cut and every changed character of a document that has all parts of YAML."""
    whole = "%YAML 1.2\n---\na: &x [1, 'b', \"c\\n\"]\nb: {c: *x, d: !!str 1}\ne: |+\n  f\n? g\n: - h\n  -  i: j\n# k\n"
    broken = [whole[:end] for end in range(len(whole))]
    broken += [whole[:at] + other + whole[at + 1 :] for at in range(len(whole)) for other in "x:-[{'\"&*!|>%@`\t\n#?, "]
    explained = set()
    for text in broken:
        try:
            load_yaml(text)
        except DocumentError as error:
            explained.add(error.message)
    assert len(explained) > 20
    wrong = [text for text in explained if LIBRARY_WORDS.search(re.sub(r"`[^`]*`|'[^']*'", "", text))]
    assert wrong == []
