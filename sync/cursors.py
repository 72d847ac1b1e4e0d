"""Cursors: where a device stands in the feed, sealed so that nobody can forge or borrow one. Pure but for the key.

The text is base64url of a MessagePack list and a keyed BLAKE2 seal over it and its owner, so a cursor of another
person or device reads as forged.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import blake2b
from hmac import compare_digest
from uuid import UUID

import msgspec

from core.problems import Malformed
from core.texts import Text

SEAL = 16


class Tie(msgspec.Struct, array_like=True, frozen=True):
    """The last row sent: enough to go on behind it. In the tail the order is (version, scope, …), in a bulk (scope, version, …)."""

    scope: int
    version: int
    collection: str = ""
    record: str = ""


class Cursor(msgspec.Struct, array_like=True, frozen=True):
    """A position in one person's feed.

    ``position``: everything up to it was sent. ``baseline``: the feed's head when the first sync began.
    ``bulk``: whole scopes that count from ``position`` are being sent. ``tie``: the last row sent beyond that.
    ``only``: the one scope that is being sent again, else empty.
    """

    epoch: str
    baseline: int
    position: int
    bulk: bool = False
    tie: Tie | None = None
    only: str = ""


class BadCursor(Malformed):
    kind = "bad-cursor"
    title = Text("游标无效", "The cursor is not valid")


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Cursor)


def seal(cursor: Cursor, *, owner: UUID, key: bytes) -> str:
    """The cursor as the text a client carries."""
    body = _encoder.encode(cursor)
    return urlsafe_b64encode(body + _sign(body, owner, key)).rstrip(b"=").decode()


def unseal(text: str, *, owner: UUID, key: bytes) -> Cursor:
    """The cursor of a text that :func:`seal` made for the same owner. Raises BadCursor for anything else."""
    try:
        raw = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        body, sign = raw[:-SEAL], raw[-SEAL:]
        if len(text) > 1000 or not compare_digest(sign, _sign(body, owner, key)):
            raise BadCursor
        if (
            urlsafe_b64encode(raw).rstrip(b"=").decode() != text
        ):  # the decoder passes over spare bits and foreign letters
            raise BadCursor
        return _decoder.decode(body)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        raise BadCursor from error


def _sign(body: bytes, owner: UUID, key: bytes) -> bytes:
    return blake2b(body, digest_size=SEAL, key=blake2b(key, digest_size=32).digest(), person=owner.bytes).digest()
