"""Verifies tokens with PyJWT."""

from collections.abc import Mapping
from typing import Any

import jwt
import structlog

from app.adapters.tokens.signing_keys import SigningKeys
from app.domain.errors import CREDENTIALS_EXPIRED, Unauthenticated

log = structlog.get_logger(__name__)

LEEWAY_SECONDS = 30
REQUIRED = ("exp", "aud", "iss")
"""PyJWT accepts a token without them unless it is told not to."""

LATEST = 253_402_300_799
"""The last second of the year 9999, which is the last that Python has."""

LONGEST_REASON = 200

_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)
"""What PyJWT lets pass for a token with values that it does not expect, such as an endless `exp` or deep nesting."""

_SENTENCES: Mapping[type[jwt.PyJWTError], str] = {
    jwt.InvalidAudienceError: "it is for another audience",
    jwt.InvalidIssuerError: "it is from another issuer",
    jwt.ImmatureSignatureError: "it is not valid yet",
    jwt.InvalidIssuedAtError: "it is not valid yet",
    jwt.InvalidAlgorithmError: "its algorithm is not one of its key",
    jwt.InvalidSignatureError: "its signature is wrong",
}


class JwtVerifier:
    """Checks the signature, the times, the issuer and the audience of tokens.

    keys: finds the key of a token.
    issuer: what the claim iss must be.
    audience: what the claim aud must be or contain.
    """

    def __init__(self, keys: SigningKeys, issuer: str, audience: str) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience

    async def claims(self, token: str) -> Mapping[str, Any]:
        try:
            key = await self._keys.key(_key_id(token))
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=list(key.algorithms),
                audience=self._audience,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": list(REQUIRED)},
            )
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("the token has expired", CREDENTIALS_EXPIRED) from None
        except (jwt.PyJWTError, *_UNREADABLE) as error:
            log.info("token_refused", reason=str(error)[:LONGEST_REASON])
            raise Unauthenticated(f"the token is not valid: {_sentence(error)}") from None
        return claims | {"exp": min(int(claims["exp"]), LATEST)}


def _key_id(token: str) -> str | None:
    """The id of the key that the token says it is signed with."""
    kid = jwt.get_unverified_header(token).get("kid")
    return kid if isinstance(kid, str) else None


def _sentence(error: Exception) -> str:
    """What is wrong, without words of the token itself."""
    if isinstance(error, jwt.MissingRequiredClaimError):
        return f"the claim {error.claim} is missing"
    return next((sentence for kind, sentence in _SENTENCES.items() if isinstance(error, kind)), "it cannot be read")
