"""The API key, or token, that a client sends."""

import os

from app.client.errors import ClientError

VARIABLE = "WORKFLOW_API_KEY"


def api_key(given: str | None = None) -> str:
    """`given`, or else the value of WORKFLOW_API_KEY; empty if there is neither.

    Raise `ClientError` for a text that no header can have.
    """
    key = (os.environ.get(VARIABLE, "") if given is None else given).strip()
    if key and not (key.isascii() and key.isprintable() and " " not in key):
        raise ClientError(f"{VARIABLE} is not an API key or a token: it has characters that neither can have")
    return key


def header(key: str) -> dict[str, str]:
    """The header, or the metadata of gRPC, with the key."""
    return {"authorization": f"Bearer {key}"} if key else {}
