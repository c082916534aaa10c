"""Derived keys, sealed names, and event secrets wrapped for a gate."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

import order_code
from labels import label
from ticket import Ticket

_PRIME = 2**255 - 19
_MISLEADING = {*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)}


def derive(secret: bytes, name: str, info: bytes) -> bytes:
    """32 bytes of HKDF-SHA256, empty salt, info = label ‖ info."""
    return HKDF(hashes.SHA256(), 32, None, label(name) + info).derive(secret)


def open_sealed(ticket: Ticket, event: int, generation: int, secret: bytes) -> dict:
    """Opens the sealed part of a verified ticket."""
    return open_body(ticket.body, ticket.fields, event, generation, secret)


def open_body(body: bytes, fields: dict, event: int, generation: int, secret: bytes) -> dict:
    """Opens the sealed part of a body that is believed."""
    sealed = fields["sealed"]
    if sealed is None:
        return {"outcome": "unsealed"}
    if (fields["event"], sealed["generation"]) != (event, generation):
        return {"outcome": "other-secret"}
    header = body[:-72]
    cipher = ChaCha20Poly1305(derive(secret, "seal", header))
    try:
        plaintext = cipher.decrypt(bytes(12), bytes.fromhex(sealed["ciphertext"] + sealed["tag"]), header)
    except InvalidTag:
        return {"outcome": "broken"}
    return read_text(plaintext) or {"outcome": "text"}


def order_tag(secret: bytes, code: str) -> bytes:
    """An order's tag by an event secret."""
    return derive(secret, "order-tag", order_code.number(code).to_bytes(8, "big"))[:16]


def read_text(plaintext: bytes) -> dict | None:
    """A name and a seat; nothing when the plaintext has not the one form."""
    try:
        name, feed, seat = plaintext.rstrip(b"\0").decode("utf-8").partition("\n")
    except UnicodeDecodeError:
        return None
    if not feed or not name or any(ord(character) in _MISLEADING for character in name + seat):
        return None
    return {"outcome": "opened", "name": name, "seat": seat}


def judge_key(key: bytes) -> str:
    """What a sender makes of a gate's public key: `accepted`, `encoding` or `weak`."""
    if int.from_bytes(key, "little") >= _PRIME:
        return "encoding"
    try:
        X25519PrivateKey.from_private_bytes(bytes([1] * 32)).exchange(X25519PublicKey.from_public_bytes(key))
    except ValueError:
        return "weak"
    return "accepted"


def unwrap(enc: bytes, ciphertext: bytes, gate_key: bytes, gate: int, event: int, generation: int) -> bytes | None:
    """The event secret; nothing when it was wrapped for somebody or something else."""
    info = label("event-secret") + gate.to_bytes(4, "big") + event.to_bytes(4, "big") + generation.to_bytes(1, "big")
    return hpke_open(enc, gate_key, info, b"", ciphertext)


def hpke_open(enc: bytes, private: bytes, info: bytes, associated: bytes, ciphertext: bytes) -> bytes | None:
    """RFC 9180: base mode, the first message of DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305."""
    kem = b"KEM" + (0x0020).to_bytes(2, "big")
    suite = b"HPKE" + b"".join(number.to_bytes(2, "big") for number in (0x0020, 0x0001, 0x0003))
    key = X25519PrivateKey.from_private_bytes(private)
    try:
        exchanged = key.exchange(X25519PublicKey.from_public_bytes(enc))
    except ValueError:
        return None
    context = enc + key.public_key().public_bytes_raw()
    shared = _expand(kem, _extract(kem, b"", b"eae_prk", exchanged), b"shared_secret", context, 32)
    schedule = b"\0" + _extract(suite, b"", b"psk_id_hash", b"") + _extract(suite, b"", b"info_hash", info)
    secret = _extract(suite, shared, b"secret", b"")
    cipher = ChaCha20Poly1305(_expand(suite, secret, b"key", schedule, 32))
    try:
        return cipher.decrypt(_expand(suite, secret, b"base_nonce", schedule, 12), ciphertext, associated)
    except InvalidTag:
        return None


def _extract(suite: bytes, salt: bytes, name: bytes, material: bytes) -> bytes:
    mac = HMAC(salt or bytes(32), hashes.SHA256())
    mac.update(b"HPKE-v1" + suite + name + material)
    return mac.finalize()


def _expand(suite: bytes, key: bytes, name: bytes, info: bytes, length: int) -> bytes:
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + name + info
    return HKDFExpand(hashes.SHA256(), length, labelled).derive(key)
