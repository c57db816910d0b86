"""Signed tokens of identity providers (JWT, RFC 7519), and the keys to verify them."""
