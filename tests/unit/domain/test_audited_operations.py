"""Every operation that can change something has a rule about the audit log."""

from app.domain.actions import Action
from app.domain.permissions import OPERATIONS, Scope
from tests.support.audited import AUDITED, OF_SESSIONS, ONLY_READ, STARTS

READING = frozenset(scope for scope in Scope if scope.value.endswith(":read"))


def test_an_operation_with_a_scope_for_changes_has_a_rule():
    changing = {name for name, permission in OPERATIONS.items() if permission.scopes - READING}
    assert changing == AUDITED.keys() | STARTS | ONLY_READ


def test_every_action_is_that_of_an_operation_or_of_the_command():
    assert set(Action) == {*AUDITED.values(), *OF_SESSIONS, Action.KEY_BOOTSTRAP}
