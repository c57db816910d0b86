"""Docs, docstrings and comments use the field's words.

Each pattern has been written here before and had to be decoded by readers. The message names the words to use instead.
Decision records keep the words of their time, and the code's own identifiers do not count.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").glob("*.md")),
    REPOSITORY / "examples" / "README.md",
    REPOSITORY / ".env.example",
    REPOSITORY / "protos" / "workflow.proto",
    REPOSITORY / "protos" / "machine.proto",
]
SOURCES = [path for folder in ("app", "bench", "examples", "scripts") for path in (REPOSITORY / folder).rglob("*.py")]
STATEMENTS = sorted((REPOSITORY / "app").rglob("*.sql"))
GENERATED = REPOSITORY / "app" / "api" / "grpc" / "generated"

INSTEAD = {
    r"\banswer(s|ed|ing)? (a|an|the|all|how|none|which|whether)\b": "return",
    r"\bfor ever\b": "without limit, without end",
    r"\b(nobody|whoever|somebody)\b": "the caller, another client, no process",
    r"\bstray(s|ed)?\b": "orphan",
    r"\bobey(s|ed|ing)?\b": "apply, carry out, respect",
    r"\bhints?\b": "wake-up",
    r"\b(tell|tells|told|hear|hears|heard) of\b": "report, receive",
    r"\b(unheard|of (no )?interest to)\b": "its result is discarded",
    r"\b(stand|stands|stood) in the way\b": "prevent, block",
    r"\bhold(s|ing)? up\b": "delay, block",
    r"\b(mend|mends|mended)\b": "fix",
    r"\bgo(es|ing)? on\b": "continue",
    r"\b(write|writes|writing|written|wrote) (down|off)\b": "record, store, clear",
    r"\b(judge|judges|judged|judging)\b": "check",
    r"\b(fares|fared)\b": "say what happened",
    r"\btakes? (an engine|its engine|engines) along\b": "crash",
    r"\b(is|are|was) no (number|list|word|schema|flow|key|text)\b": "is not a …",
}


def prose_of(path: Path) -> Iterator[tuple[int, str]]:
    """Line number and text: of the whole file without code blocks, or of the docstrings and comments of a module."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        yield 1, re.sub(r"^```.*?^```|`[^`\n]*`", lambda code: "\n" * code[0].count("\n"), text, flags=re.DOTALL | re.M)
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.lineno, re.sub(r"`[^`\n]*`", "", node.value.value)
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], re.sub(r"`[^`\n]*`", "", token.string)


def found_in(path: Path) -> Iterator[str]:
    for line, prose in prose_of(path):
        for pattern, instead in INSTEAD.items():
            for match in re.finditer(pattern, prose, re.IGNORECASE):
                at = line + prose[: match.start()].count("\n")
                yield f"{path.relative_to(REPOSITORY)}:{at}: {match[0]!r}; write: {instead}"


def name(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_pages_use_the_fields_words(page):
    assert list(found_in(page)) == []


def test_docstrings_and_comments_use_the_fields_words():
    checked = [path for path in SOURCES if GENERATED not in path.parents and not path.is_relative_to(GENERATED)]
    assert len(checked) > 100
    assert [problem for path in sorted(checked) for problem in found_in(path)] == []


@pytest.mark.parametrize("file", STATEMENTS, ids=name)
def test_statements_use_the_fields_words(file):
    assert list(found_in(file)) == []


def test_a_home_made_word_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.REPOSITORY", tmp_path)
    module = tmp_path / "module.py"
    module.write_text(
        '"""Answer the key.\n\nWrite nothing down; `nobody` is a name."""\n\nhint = 1  # waits for ever\n'
    )
    assert [problem.split(";")[0] for problem in found_in(module)] == [
        "module.py:1: 'Answer the'",
        "module.py:5: 'for ever'",
    ]
