"""Tickets of format CM1: reading, and verification against a ring of keys."""

import hashlib
import re
from dataclasses import dataclass

import base45
import ed25519
from labels import label

LIVE, SEALED, CHECK_ID = 1, 2, 4
PRESENTATION = 4 + 64
MAX_TEXT = 510


class Refused(Exception):
    """A ticket is not taken; the outcome says why."""

    def __init__(self, outcome: str, defect: str | None = None):
        super().__init__(outcome, defect)
        self.outcome = {"outcome": outcome} if defect is None else {"outcome": outcome, "defect": defect}


@dataclass(frozen=True)
class Ticket:
    """What was read; nothing is believed of it."""

    data: bytes
    body: bytes
    fields: dict
    issuer: bytes
    authority: bytes
    presentation: bytes

    @property
    def kept(self) -> str:
        """Its text without presentation."""
        return "CM1:" + base45.encode(self.body + self.issuer + self.authority)

    @property
    def sealed_header(self) -> bytes:
        """All of the body before its ciphertext."""
        return self.body[:-72]


class Reader:
    """Takes big-endian fields from the front of bytes."""

    def __init__(self, data: bytes):
        self.rest = data

    def take(self, length: int) -> bytes:
        taken, self.rest = self.rest[:length], self.rest[length:]
        if len(taken) != length:
            raise AssertionError("lengths are checked before fields are read")
        return taken

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")


def parse(text: str) -> Ticket:
    """Reads a text, in the order of the section “Reading”."""
    if not text.startswith("CM1:"):
        raise Refused("unknown-version" if re.match(r"CM[1-9][0-9]{0,2}:", text) else "not-ours")
    if len(text.encode("utf-8")) > MAX_TEXT:
        raise Refused("malformed", "length")
    try:
        data = base45.decode(text[4:])
    except base45.NotBase45:
        raise Refused("not-ours") from None
    return parse_bytes(data)


def parse_bytes(data: bytes) -> Ticket:
    """Reads a ticket's bytes."""
    flags, length = read_profile(data)
    whole = {length + 128} | ({length + 128 + PRESENTATION} if flags & LIVE else set())
    if len(data) not in whole:
        raise Refused("malformed", "length")
    body, rest = data[:length], data[length:]
    return Ticket(data, body, read_fields(body, flags), rest[:64], rest[64:128], rest[128:])


def parse_half(data: bytes) -> tuple[bytes, dict, bytes]:
    """Reads half a ticket: its body, the body's fields, and the issuer's signature."""
    flags, length = read_profile(data)
    if not flags & SEALED:
        raise Refused("malformed", "flags")
    if len(data) != length + 64:
        raise Refused("malformed", "length")
    body = data[:length]
    return body, read_fields(body, flags), data[length:]


def read_profile(data: bytes) -> tuple[int, int]:
    """The flags, and how long a body they make."""
    if not data:
        raise Refused("malformed", "length")
    if data[0] != 1:
        raise Refused("unknown-version")
    if len(data) < 2:
        raise Refused("malformed", "length")
    flags = data[1]
    if flags & ~(LIVE | SEALED | CHECK_ID) or (flags & CHECK_ID and not flags & SEALED):
        raise Refused("malformed", "flags")
    return flags, 35 + (33 if flags & LIVE else 0) + (73 if flags & SEALED else 0)


def read_fields(body: bytes, flags: int) -> dict:
    """Reads a body of the right length."""
    reader = Reader(body[2:])
    fields = {
        "issuing_key_id": reader.take(4).hex(),
        "authority_key_id": reader.take(4).hex(),
        "event": reader.number(4),
        "slot": reader.number(4),
        "generation": reader.number(1),
        "places": reader.number(1),
        "entries": reader.number(1),
        "product": reader.number(2),
        "zones": reader.number(4),
        "valid_from": reader.number(4),
        "valid_until": reader.number(4),
        "live": None,
        "sealed": None,
    }
    if fields["places"] == 0:
        raise Refused("malformed", "places")
    if fields["valid_until"] <= fields["valid_from"]:
        raise Refused("malformed", "validity")
    if flags & LIVE:
        window, holder = reader.number(1), reader.take(32)
        if window == 0:
            raise Refused("malformed", "window")
        if ed25519.judge_key(holder) != "accepted":
            raise Refused("malformed", "holder-key")
        fields["live"] = {"window": window, "holder_key": holder.hex()}
    if flags & SEALED:
        fields["sealed"] = {
            "generation": reader.number(1),
            "check_id": bool(flags & CHECK_ID),
            "ciphertext": reader.take(56).hex(),
            "tag": reader.take(16).hex(),
        }
    return fields


def key_id(key: bytes) -> str:
    """A key's hint."""
    return hashlib.sha256(key).digest()[:4].hex()


def verify(ticket: Ticket, ring: list[dict]) -> dict:
    """Verifies against keys `{role, status, key}`; the answer is the outcome of a good ticket."""
    services = usable(ticket.fields, ring)
    statuses = [
        signer_status(services[0], label("issue") + ticket.body, ticket.issuer, "issuer-forged"),
        signer_status(services[1], label("authorise") + ticket.body, ticket.authority, "authority-forged"),
    ]
    return {
        "outcome": "verified",
        "shown": how_shown(ticket),
        "must_be_listed": "listed-only" in statuses,
        "ticket": ticket.fields,
        "kept": ticket.kept,
    }


def verify_half(half: tuple[bytes, dict, bytes], ring: list[dict]) -> dict:
    """Verifies by the issuer's signature alone."""
    body, fields, issuer = half
    issuing, authority = usable(fields, ring)
    status = signer_status(issuing, label("issue") + body, issuer, "issuer-forged")
    doubted = any(entry["status"] == "listed-only" for entry in authority)
    return {"outcome": "verified", "must_be_listed": doubted or status == "listed-only", "ticket": fields}


def usable(fields: dict, ring: list[dict]) -> list[list[dict]]:
    """The keys that the ids may mean, of the issuer and of the authority."""
    services = []
    for role, hint in (("issuing", "issuing_key_id"), ("authority", "authority_key_id")):
        named = [entry for entry in ring if entry["role"] == role and key_id(bytes.fromhex(entry["key"])) == fields[hint]]
        if not named:
            raise Refused("key-unknown")
        if all(entry["status"] == "revoked" for entry in named):
            raise Refused("key-revoked")
        services.append(named)
    return services


def signer_status(named: list[dict], message: bytes, signature: bytes, otherwise: str) -> str:
    """The status of the key that signed."""
    for entry in named:
        if ed25519.verifies(bytes.fromhex(entry["key"]), message, signature):
            if entry["status"] == "revoked":
                raise Refused("key-revoked")
            return entry["status"]
    raise Refused(otherwise)


def how_shown(ticket: Ticket) -> str | dict:
    """Static, without proof, or proved at a time."""
    live = ticket.fields["live"]
    if live is None:
        return "static"
    if not ticket.presentation:
        return "without-proof"
    time, signature = ticket.presentation[:4], ticket.presentation[4:]
    if not ed25519.verifies(bytes.fromhex(live["holder_key"]), label("present") + ticket.body + time, signature):
        raise Refused("live-proof-forged")
    return {"proved-at": int.from_bytes(time, "big")}
