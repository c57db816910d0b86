"""The estimated size of a compiled pattern, compared with what RE2 makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.pattern_weights import A_PATTERN, pattern_weight
from app.expressions.errors import NoValue
from app.expressions.patterns import compiled_pattern

ATOMS = st.sampled_from(["a", "é", ".", r"\d", r"\w", r"\S", "[a-f0-9]", "[^x]", r"\pL", r"\p{Greek}", r"[\pN_]"])
TIMES = st.sampled_from(["", "", "*", "+?", "{3}", "{2,}", "{0,5}", "{10}"])


def _repeated(pattern: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(st.tuples(pattern, TIMES).map("".join), min_size=1, max_size=4)
    return several.flatmap(lambda parts: st.sampled_from([f"(?:{''.join(parts)})", f"({'|'.join(parts)})"]))


PATTERNS = st.recursive(ATOMS, _repeated, max_leaves=8)


@given(PATTERNS, TIMES)
def test_a_weight_is_not_below_the_size_of_the_compiled_pattern(pattern, times):
    try:
        size = compiled_pattern(pattern + times).programsize
    except NoValue:
        return
    assert pattern_weight(pattern + times) >= size


@pytest.mark.parametrize(
    ("pattern", "states"),
    [
        ("^[a-z]+$", 2 + 4 + 2 + 2),
        (r"^\d{4}-\d{2}-\d{2}$", 2 + (4 + 2) * 8 + 2 + 2),
        ("a{1000}", 3_000),
        (r"\pL{80}", 1_202 * 80),
        (r"(?:\pL{20}){4}", (1_202 * 20 + 2) * 4),
        (r"[\pL ]{1,80}", 1_202 * 80),
        ("(((a{30}){30}){30}){30}", (((3 * 30 + 2) * 30 + 2) * 30 + 2) * 30),
        (r"(?i)\pL{3}", 1_202 * 3 * 2),
        (r"\{80}", 4 + 3),
    ],
)
def test_repetitions_multiply(pattern, states):
    assert pattern_weight(pattern) - A_PATTERN == states


@given(st.text(alphabet="ab(){}[]|*+?.,\\pL^$0123456789<>=!:-", max_size=60))
def test_any_text_has_a_weight(text):
    assert pattern_weight(text) >= A_PATTERN
