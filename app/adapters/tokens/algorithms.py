"""Which algorithms a key may verify. They follow from the key, never from the token.

A token names its algorithm itself. If a public key were also accepted as a secret of HS256, anyone could sign with it
(RFC 8725, 2.1 and 3.1).
"""

from typing import TypeAlias

from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    SECP384R1,
    SECP521R1,
    EllipticCurve,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.asymmetric.ed448 import Ed448PublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

LEAST_RSA_BITS = 2_048
LEAST_SECRET_BYTES = 32

_OF_RSA = ("RS256", "RS384", "RS512")
_OF_CURVE: dict[type[EllipticCurve], str] = {SECP256R1: "ES256", SECP384R1: "ES384", SECP521R1: "ES512"}
_OF_SECRET = ((32, "HS256"), (48, "HS384"), (64, "HS512"))
"""The least bytes of a secret for each: as many as the hash has (RFC 7518, 3.2)."""

PublicKey: TypeAlias = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | Ed448PublicKey


def algorithms_of(key: object) -> tuple[str, ...]:
    """The algorithms of a public key; none for a key that is too weak or of another kind."""
    match key:
        case RSAPublicKey():
            return _OF_RSA if key.key_size >= LEAST_RSA_BITS else ()
        case EllipticCurvePublicKey():
            name = _OF_CURVE.get(type(key.curve))
            return () if name is None else (name,)
        case Ed25519PublicKey() | Ed448PublicKey():
            return ("EdDSA",)
        case _:
            return ()


def algorithms_of_secret(secret: bytes) -> tuple[str, ...]:
    """The algorithms of a shared secret; none if it is too short."""
    return tuple(name for least, name in _OF_SECRET if len(secret) >= least)


def public_key(pem: str) -> PublicKey:
    """The public key in a PEM text. Raise `ValueError` for another text, or a key that verifies no algorithm."""
    key = load_pem_public_key(pem.encode())
    if not algorithms_of(key):
        raise ValueError(f"give an RSA key of {LEAST_RSA_BITS} bits or more, a P-256, P-384 or P-521 key, or EdDSA")
    assert isinstance(key, PublicKey)
    return key
