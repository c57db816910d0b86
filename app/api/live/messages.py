"""The messages that clients send: `{action, channel, after, mode, token}`, as JSON in a text frame."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.api.live.frames import Refusal
from app.domain.accepted import choice_form
from app.domain.errors import Invalid
from app.domain.json_mistakes import NotJson
from app.domain.json_parsing import parse_json

LONGEST_CHANNEL = 200
HIGHEST = 2**63 - 1
NEWEST, ALL = "newest", "all"
MODES = (NEWEST, ALL)


@dataclass(frozen=True, slots=True)
class Auth:
    """Says who calls. `token` is an API key, or a token of an identity provider."""

    token: str


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Asks for a channel.

    channel: its name.
    after: replay what follows this position, or this sequence; None begins with what is new.
    mode: `all` for every event, `newest` for the newest ones; None for what the channel usually sends.
    """

    channel: str
    after: int | None = None
    mode: str | None = None


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ends a channel."""

    channel: str


@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a `pong`."""


Message = Auth | Subscribe | Unsubscribe | Ping

Fields = Mapping[str, Any]


def parse_message(text: str | bytes | None) -> Message:
    """The message in a text frame; None or bytes for a binary one. Raise `Refusal`."""
    if not isinstance(text, str):
        raise Refusal("not_text", "send JSON in text frames: this was a binary one")
    try:
        fields = parse_json(text, "message")
    except Invalid as error:
        raise Refusal("not_json" if isinstance(error, NotJson) else "invalid", error.message) from None
    if not isinstance(fields, dict):
        raise Refusal("not_an_object", 'a message is a JSON object, such as {"action": "ping"}')
    return _parsed(fields)


def _parsed(fields: Fields) -> Message:
    action = fields.get("action")
    if not isinstance(action, str) or action not in _ACTIONS:
        given = "is missing" if action is None else f"{_shown(action)} is unknown"
        raise Refusal("unknown_action", f"action {given}: send {choice_form(list(_ACTIONS))}", _channel_shown(fields))
    known, parse = _ACTIONS[action]
    if unknown := sorted(fields.keys() - {"action"} - set(known)):
        has = choice_form(known) if known else "none"
        raise Refusal(
            "unknown_field", f"{action} has no field {_shown(unknown[0])}; its fields: {has}", _channel_shown(fields)
        )
    return parse(fields)


def _auth(fields: Fields) -> Auth:
    token = fields.get("token")
    if not isinstance(token, str) or not token:
        raise Refusal("invalid", "token: must be an API key or a token, as a text")
    return Auth(token)


def _subscribe(fields: Fields) -> Subscribe:
    channel, after, mode = _channel(fields), fields.get("after"), fields.get("mode")
    if after is not None and (type(after) is not int or not 0 <= after <= HIGHEST):
        raise Refusal("invalid", f"after: must be a whole number from 0 to {HIGHEST}", channel)
    if mode is not None and mode not in MODES:
        raise Refusal("invalid", f"mode: must be {choice_form(MODES)}", channel)
    return Subscribe(channel, after, mode)


def _unsubscribe(fields: Fields) -> Unsubscribe:
    return Unsubscribe(_channel(fields))


def _ping(_fields: Fields) -> Ping:
    return Ping()


_ACTIONS: Mapping[str, tuple[tuple[str, ...], Callable[[Fields], Message]]] = {
    "auth": (("token",), _auth),
    "subscribe": (("channel", "after", "mode"), _subscribe),
    "unsubscribe": (("channel",), _unsubscribe),
    "ping": ((), _ping),
}


def _channel(fields: Fields) -> str:
    channel = fields.get("channel")
    if not isinstance(channel, str) or not 0 < len(channel) <= LONGEST_CHANNEL:
        raise Refusal("invalid", f"channel: must be a text with 1 to {LONGEST_CHANNEL} characters")
    return channel


def _channel_shown(fields: Fields) -> str | None:
    """What a refusal says of the channel of a message that is wrong otherwise."""
    channel = fields.get("channel")
    return channel[:LONGEST_CHANNEL] if isinstance(channel, str) else None


def _shown(value: object) -> str:
    return repr(value)[:LONGEST_CHANNEL]
