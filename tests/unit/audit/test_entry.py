"""What is in an entry: who, which request, and documents without secrets."""

from hashlib import sha256

import orjson
import pytest

from app.audit.entry import LONGEST_DOCUMENT, Entries, Entry
from app.domain.actions import Action, ActorKind, actor_kind
from app.domain.callers import ANONYMOUS, Caller, RequestOrigin
from app.identity.api_keys import new_key_text
from app.masking import mask_of

CALLER = Caller(3, "sales", "key:Xk3vT9aB", frozenset(), key_id=9, request=RequestOrigin("r-1", "192.0.2.7"))


def entry(before: object = None, after: object = None, entries: Entries | None = None) -> Entry:
    return (entries or Entries()).of(CALLER, Action.WORKFLOW_CHANGE, "workflow:7", before, after)


def test_it_says_who_and_by_which_request():
    assert entry() == Entry(3, "key:Xk3vT9aB", "key", "workflow.change", "workflow:7", "r-1", "192.0.2.7", None, None)


def test_a_caller_without_a_request_leaves_it_open():
    made = Entries().of(ANONYMOUS, Action.TENANT_CREATE, "tenant:sales")
    assert (made.tenant_id, made.actor, made.actor_kind) == (1, "anonymous", "anonymous")
    assert (made.request_id, made.ip) == (None, None)


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        ("anonymous", ActorKind.ANONYMOUS),
        ("key:Xk3vT9aB", ActorKind.KEY),
        ("token:https://id.example.com/7", ActorKind.TOKEN),
        ("command:bootstrap", ActorKind.COMMAND),
    ],
)
def test_the_kind_of_an_actor_is_in_its_name(principal: str, kind: ActorKind):
    assert actor_kind(principal) is kind


@pytest.mark.parametrize("principal", ["", "nobody:7", "schedule:7", "Anonymous"])
def test_a_principal_of_no_kind_is_a_defect(principal: str):
    with pytest.raises(ValueError, match="is no principal"):
        actor_kind(principal)


def test_documents_are_kept_byte_for_byte():
    body = b'{"b": 1.0,"a":[]}'
    made = entry(body, {"name": "\u00e9"})
    assert (made.before, made.after) == (body.decode(), '{"name":"\u00e9"}')


def test_a_long_document_is_its_hash_and_size():
    body = orjson.dumps({"name": "n" * LONGEST_DOCUMENT})
    shown = orjson.loads(entry(body).before or "")
    assert shown == {"sha256": sha256(body).hexdigest(), "bytes": len(body)}
    whole = orjson.dumps({"name": "n" * (LONGEST_DOCUMENT - 11)})
    assert len(whole) == LONGEST_DOCUMENT
    assert entry(whole).before == whole.decode()


def test_secrets_are_hidden_those_that_are_new_too():
    secrets: set[str] = set()
    entries = Entries(lambda: mask_of(frozenset(secrets)))
    assert entry({"url": "https://x/hunter22"}, entries=entries).before == '{"url":"https://x/hunter22"}'
    secrets.add("hunter22")
    assert entry({"url": "https://x/hunter22"}, entries=entries).before == '{"url":"https://x/***"}'


def test_the_text_of_a_key_is_hidden_but_not_which_key_it_is():
    text = new_key_text()
    made = entry({"config": {"headers": {"Authorization": f"Bearer {text.text}"}}})
    assert made.before == '{"config":{"headers":{"Authorization":"Bearer wfk_' + text.prefix + '_***"}}}'
    assert text.text not in (made.before or "")
