"""Lists that pages of the dashboard have of their own are those of the service."""

import re

from app.api.dashboard.assets import FOLDER
from app.domain.actions import Action
from app.domain.permissions import SCOPES_OF, Role
from app.feed.requests import KNOWN_TYPES
from app.insights.suggestions import Rule, Status


def block(name: str, constant: str) -> str:
    """What a module assigns to a constant."""
    found = re.search(rf"const {constant} = [{{\[](.*?)\n[}}\]];", (FOLDER / name).read_text("utf-8"), re.DOTALL)
    assert found is not None, f"{name} has no {constant}"
    return found[1]


def keys_of(text: str) -> list[str]:
    return re.findall(r"(\w+): ", text)


def test_the_actions_of_the_filter_are_all_actions() -> None:
    listed = re.findall(r'"([\w.]+)"', block("parts/audit-words.js", "ACTIONS"))
    assert sorted(listed) == sorted(action.value for action in Action)


def test_every_type_of_event_has_a_sign() -> None:
    assert sorted(keys_of(block("parts/event-row.js", "STATUS_OF"))) == sorted(KNOWN_TYPES)


def test_every_rule_has_words() -> None:
    listed = re.findall(r"^  (\w+): \{", block("lib/suggestions.js", "RULES"), re.MULTILINE)
    assert sorted(listed) == sorted(rule.value for rule in Rule if rule is not Rule.UNDO)


def test_every_state_of_a_suggestion_has_a_sign() -> None:
    text = (FOLDER / "parts/suggestion-state.js").read_text("utf-8")
    found = re.search(r"const SIGN_OF = \{(.*?)\}", text)
    assert found is not None
    assert keys_of(found[1]) == [status.value for status in Status]


def test_the_mark_of_a_role_is_what_the_role_before_it_lacks() -> None:
    roles = re.findall(r'role: "(\w+)".*mark: "([\w:]+)"', block("lib/scopes.js", "ROLES"))
    assert [role for role, _ in roles] == [role.value for role in Role]
    before: frozenset[str] = frozenset()
    for role, mark in roles:
        scopes = frozenset(scope.value for scope in SCOPES_OF[Role(role)])
        assert mark in scopes - before
        before = scopes
