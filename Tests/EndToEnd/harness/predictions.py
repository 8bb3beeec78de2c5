"""Prediction ids by other means than the gateway's: SipHash-2-4 and the layout of the bytes, from the documentation."""

import base64
import sqlite3
import struct
from dataclasses import dataclass, replace
from pathlib import Path

MASK = (1 << 64) - 1
ARMS = ("stable", "canary", "override", "segment", "pinned")


def siphash(key: bytes, data: bytes) -> int:
    """Aumasson and Bernstein's, with two and four rounds."""
    k0, k1 = struct.unpack("<QQ", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotated(word, by):
        return (word << by | word >> (64 - by)) & MASK

    def round_():
        v[0] = (v[0] + v[1]) & MASK
        v[1] = rotated(v[1], 13) ^ v[0]
        v[0] = rotated(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = rotated(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = rotated(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = rotated(v[1], 17) ^ v[2]
        v[2] = rotated(v[2], 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        round_()
        round_()
        v[0] ^= word
    v[2] ^= 0xFF
    for _ in range(4):
        round_()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


@dataclass(frozen=True)
class PredictionID:
    key: int
    arm: str
    number: bytes
    identity: int
    row: int
    decision: int
    score: float
    is_double: bool
    is_fallback: bool
    amount: float | None
    is_double_amount: bool
    groups: bytes
    has_row: bool
    is_wide: bool

    @property
    def millis(self) -> int:
        return int.from_bytes(self.number[:6], "big")

    def at(self, millis: int) -> "PredictionID":
        return replace(self, number=millis.to_bytes(6, "big") + self.number[6:])

    def text(self, secret: bytes) -> str:
        named, wide = self.arm not in ARMS, self.is_wide
        flags = 1 | 4 * self.has_row | 8 * wide | 16 * self.is_double | 32 * self.is_fallback
        if self.amount is not None:
            flags |= 64 | 128 * self.is_double_amount
        arm = 7 if named else ARMS.index(self.arm)
        body = bytes([flags, self.key, arm << 4 | len(self.groups)]) + self.number
        body += self.identity.to_bytes(4, "little") + struct.pack("<H" if wide else "<B", self.decision)
        if self.has_row:
            body += struct.pack("<H" if wide else "<B", self.row)
        body += struct.pack("<d" if self.is_double else "<f", self.score)
        if self.amount is not None:
            body += struct.pack("<d" if self.is_double_amount else "<f", self.amount)
        body += self.groups + (self.arm.encode() if named else b"")
        body += struct.pack("<Q", siphash(secret, body))[:6]
        return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def keys_of(state: Path) -> dict[int, bytes]:
    """The keys in the gateway's state, by number."""
    database = sqlite3.connect(f"file:{state}/serin.sqlite?mode=ro", uri=True)
    try:
        return dict(database.execute("SELECT number, key FROM prediction_key"))
    finally:
        database.close()


def read(text: str, keys: dict[int, bytes]) -> PredictionID:
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    body = data[:-6]
    code = struct.pack("<Q", siphash(keys[body[1]], body))[:6]
    assert body[0] & 3 == 1 and code == data[-6:], "not made with this key"
    flags, wide, place = body[0], bool(body[0] & 8), 19

    def count() -> int:
        nonlocal place
        (value,) = struct.unpack_from("<H" if wide else "<B", body, place)
        place += 2 if wide else 1
        return value

    decision = count()
    row = count() if flags & 4 else 0

    def number(double: bool) -> float:
        nonlocal place
        size = 8 if double else 4
        (value,) = struct.unpack("<d" if double else "<f", body[place : place + size])
        place += size
        return value

    score = number(bool(flags & 16))
    amount = number(bool(flags & 128)) if flags & 64 else None
    groups = body[place : place + (body[2] & 15)]
    place += len(groups)
    arm = ARMS[body[2] >> 4] if body[2] >> 4 < 7 else body[place:].decode()
    assert arm not in ARMS or len(body) == place
    return PredictionID(
        body[1], arm, body[3:15], int.from_bytes(body[15:19], "little"), row, decision, score, bool(flags & 16), bool(flags & 32),
        amount, bool(flags & 128), groups, bool(flags & 4), wide)
