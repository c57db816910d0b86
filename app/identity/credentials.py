"""Reads the credential of a request from its headers. Both protocols have the same rules."""

from collections.abc import Sequence

from app.domain.errors import Unauthenticated

LONGEST_CREDENTIAL = 16_384
_SCHEME = b"bearer "


def presented(authorization: Sequence[bytes], api_key: Sequence[bytes]) -> bytes | None:
    """The credential in the values of the headers `Authorization` and `x-api-key`; None when there is neither.

    Raise `Unauthenticated` when there is more than one, or one that cannot be valid: which of two credentials counts
    must not depend on who reads them.
    """
    if len(authorization) + len(api_key) > 1:
        raise Unauthenticated("there is more than one credential; send one header, Authorization or x-api-key")
    if authorization:
        return _checked(_after_scheme(authorization[0]))
    return _checked(api_key[0]) if api_key else None


def _after_scheme(value: bytes) -> bytes:
    if value[: len(_SCHEME)].lower() != _SCHEME:
        raise Unauthenticated("the header Authorization must be `Bearer` and an API key or a token")
    return value[len(_SCHEME) :]


def _checked(credential: bytes) -> bytes:
    credential = credential.strip()
    if not credential or len(credential) > LONGEST_CREDENTIAL or not credential.isascii():
        raise Unauthenticated(f"a credential has 1 to {LONGEST_CREDENTIAL} ASCII characters")
    return credential
