"""Decompresses response bodies, which must be complete."""

import zlib
from typing import Protocol


class UndecodableError(Exception):
    """The body is not what `Content-Encoding` says. The message is a sentence without its subject, the body."""


class Decoder(Protocol):
    def decode(self, data: bytes, limit: int) -> bytes:
        """At most `limit` decoded bytes. `limit` is at least 1; a result of that length may be incomplete."""

    def finish(self) -> None:
        """Call after the last byte. Raise `UndecodableError` if the body is not complete."""


def decoder_of(content_encoding: str) -> Decoder:
    """The decoder for the value of a `Content-Encoding` header. Raise `UndecodableError` if it is not supported."""
    codings = [
        coding for item in content_encoding.lower().split(",") if (coding := item.strip()) not in ("", "identity")
    ]
    if not codings:
        return _Plain()
    if codings in (["gzip"], ["x-gzip"]):
        return _Zlib("gzip", 16 + zlib.MAX_WBITS, has_members=True)
    if codings == ["deflate"]:
        return _Zlib("deflate", zlib.MAX_WBITS, has_members=False)
    raise UndecodableError(f"has the content encoding {content_encoding!r}; only gzip and deflate are supported")


class _Plain:
    def decode(self, data: bytes, limit: int) -> bytes:
        return data[:limit]

    def finish(self) -> None:
        return None


class _Zlib:
    """gzip can have several members (RFC 1952, 2.2); `deflate` is one zlib stream (RFC 9110, 8.4.1.2)."""

    def __init__(self, name: str, window_bits: int, has_members: bool) -> None:
        self._name = name
        self._window_bits = window_bits
        self._has_members = has_members
        self._stream = zlib.decompressobj(window_bits)

    def decode(self, data: bytes, limit: int) -> bytes:
        decoded = bytearray()
        while data and len(decoded) < limit:
            if self._stream.eof:
                self._begin_member()
            try:
                decoded += self._stream.decompress(data, limit - len(decoded))
            except zlib.error as error:
                raise UndecodableError(f"is not {self._name}: {error}") from None
            data = self._stream.unused_data
        return bytes(decoded)

    def finish(self) -> None:
        if not self._stream.eof:
            raise UndecodableError(f"ends before its {self._name} data is complete")

    def _begin_member(self) -> None:
        if not self._has_members:
            raise UndecodableError(f"has bytes after its {self._name} data")
        self._stream = zlib.decompressobj(self._window_bits)
