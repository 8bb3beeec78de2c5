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

    @property
    def millis(self) -> int:
        return int.from_bytes(self.number[:6], "big")

    def at(self, millis: int) -> "PredictionID":
        return replace(self, number=millis.to_bytes(6, "big") + self.number[6:])

    def text(self, secret: bytes) -> str:
        flags = self.is_double | self.is_fallback << 1 | len(self.groups) << 4
        if self.amount is not None:
            flags |= 4 | self.is_double_amount << 3
        named, wide = self.arm not in ARMS, max(self.row, self.decision) > 255
        arm = 16 + len(self.arm) if named else ARMS.index(self.arm)
        body = bytes([1 | 128 * (self.row > 0), self.key, flags, arm | 128 * wide]) + self.number
        body += self.identity.to_bytes(5, "little") + struct.pack("<H" if wide else "<B", self.decision)
        if self.row:
            body += struct.pack("<H" if wide else "<B", self.row)
        body += struct.pack("<d" if self.is_double else "<f", self.score)
        if self.amount is not None:
            body += struct.pack("<d" if self.is_double_amount else "<f", self.amount)
        body += self.groups + (self.arm.encode() if named else b"")
        body += struct.pack("<Q", siphash(secret, body))[:7]
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
    body = data[:-7]
    code = struct.pack("<Q", siphash(keys[body[1]], body))[:7]
    assert body[0] & 127 == 1 and code == data[-7:], "not made with this key"
    flags, coded, wide, place = body[2], body[3] & 127, body[3] & 128, 21

    def count() -> int:
        nonlocal place
        (value,) = struct.unpack_from("<H" if wide else "<B", body, place)
        place += 2 if wide else 1
        return value

    decision = count()
    row = count() if body[0] & 128 else 0

    def number(double: bool) -> float:
        nonlocal place
        size = 8 if double else 4
        (value,) = struct.unpack("<d" if double else "<f", body[place : place + size])
        place += size
        return value

    score = number(bool(flags & 1))
    amount = number(bool(flags & 8)) if flags & 4 else None
    groups = body[place : place + (flags >> 4)]
    place += len(groups)
    arm = ARMS[coded] if coded < 16 else body[place:].decode()
    assert len(body) == place + (0 if coded < 16 else coded - 16)
    return PredictionID(
        body[1], arm, body[4:16], int.from_bytes(body[16:21], "little"), row, decision, score, bool(flags & 1), bool(flags & 2), amount,
        bool(flags & 8), groups)
