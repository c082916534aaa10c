"""Each document's payload: its fields and its rules, and the envelope around it."""

import hashlib

import ed25519
from cbor import Refused, claimed_items, decode
from document_fields import (
    alternative, array_of, ascends, fields, instant, map_of, number, raw, require, text, truth, tuple_of,
)
from labels import label

ACTIVE, VERIFY_ONLY, LISTED_ONLY, REVOKED = range(4)
ISSUING, AUTHORITY, ORGANISER, LIST = range(4)
DAY = 24 * 3600 * 1000

ONE, TWO, FOUR, EIGHT = (number(size) for size in (1, 2, 4, 8))
HASH = raw(32)


def digest(name: str, *parts: bytes) -> bytes:
    return hashlib.sha256(label(name) + b"".join(parts)).digest()


def _code(count: int):
    def read(item):
        require(type(item) is int and item < count, "an unknown code")
        return item

    return read


def _key(item) -> bytes:
    key = HASH(item)
    require(ed25519.judge_key(key) == "accepted", "no acceptable key")
    return key


class Bundle:
    label, limit = "trust-bundle", 524_288
    read = staticmethod(fields(
        version=FOUR, issued=instant, not_after=instant, roots=array_of(_key), threshold=ONE,
        keys=array_of(fields(key=_key, role=_code(4), status=_code(4), events=array_of(FOUR))),
    ))

    @staticmethod
    def check(document: dict) -> None:
        roots, keys = document["roots"], document["keys"]
        require(1 <= len(roots) <= 9 and ascends(roots), "roots")
        require(1 <= document["threshold"] <= len(roots), "threshold")
        require(document["not_after"] > document["issued"], "not after")
        names = [key["key"] for key in keys]
        require(len(keys) <= 256 and len(set(names)) == len(names) and not set(names) & set(roots), "keys")
        for key in keys:
            require((key["role"] == ORGANISER) == bool(key["events"]) and len(key["events"]) <= 256, "events")
            require(key["status"] != LISTED_ONLY or key["role"] in (ISSUING, AUTHORITY), "listed-only")

    @staticmethod
    def revision(document: dict) -> tuple[int, int]:
        return 0, document["version"]


_NAME = fields(en=text, fr=text)


_LIST_AGE = fields(warn_after=FOUR, attention_after=FOUR, staff_after_=FOUR)
_POLICY = fields(
    entries=ONE, entries_between_resets=ONE, exit_before_reentry=truth, pass_back=FOUR, tolerance_before=FOUR,
    tolerance_after=FOUR, list_age_static=_LIST_AGE, list_age_live=_LIST_AGE, alone=_code(2),
)


class Event:
    label, limit = "event-document", 262_144
    read = staticmethod(fields(
        event=FOUR, version=FOUR, issued=instant, name=_NAME, capacity=FOUR,
        products=array_of(fields(
            product=TWO, name=_NAME, zones=FOUR, valid_from=instant, until=instant, capacity=FOUR,
            least_price=fields(minor=EIGHT, currency=text), moved_=fields(valid_from=instant, until=instant),
            form=fields(live_window=ONE, holder=_code(3)), policy_=_POLICY,
        )),
        policy=_POLICY, resets=array_of(instant), names_at_gates=truth, find_by_order=truth,
    ))
    revision = Bundle.revision

    @staticmethod
    def check(document: dict) -> None:
        products, resets = document["products"], document["resets"]
        require(1 <= len(products) <= 256 and ascends([each["product"] for each in products]), "products")
        require(1 <= document["capacity"] <= 16_000_000, "capacity")
        require(len(resets) <= 400 and ascends(resets), "resets")
        require(len({each["least_price"]["currency"] for each in products}) == 1, "currencies")
        for each in products:
            require(each["capacity"] <= document["capacity"] and each["zones"] > 0, "a product")
            require(len(each["least_price"]["currency"]) == 3, "currency")
            require(all("A" <= letter <= "Z" for letter in each["least_price"]["currency"]), "currency")
            for window in (each, each["moved"] or each):
                require(window["valid_from"] // 1000 < window["until"] // 1000 < 1 << 32, "a window")
            require(each["form"]["holder"] != 2 or document["names_at_gates"], "names to be checked")
        require(document["names_at_gates"] or not document["find_by_order"], "found by an order without names")
        for name in (document["name"], *(each["name"] for each in products)):
            require(all(1 <= len(words.encode()) <= 200 for words in name.values()), "a name")
        for policy in (document["policy"], *(each["policy"] for each in products if each["policy"])):
            Event._check_policy(policy, resets)

    @staticmethod
    def _check_policy(policy: dict, resets: list) -> None:
        require(max(policy["pass_back"], policy["tolerance_before"], policy["tolerance_after"]) <= 86_400, "a day")
        require(policy["entries_between_resets"] == 0 or resets, "entries between resets")
        for ages in (policy["list_age_static"], policy["list_age_live"]):
            last = 2_592_000 if ages["staff_after"] is None else ages["staff_after"]
            require(ages["warn_after"] <= ages["attention_after"] <= last <= 2_592_000, "list ages")


class SlotList:
    label, limit = "slot-list", 8_388_608
    read = staticmethod(fields(
        event=FOUR, epoch=FOUR, sequence=EIGHT, issued=instant, slots=FOUR, states=raw(),
        least=map_of(FOUR, ONE), reasons=map_of(FOUR, _code(8)),
    ))

    @staticmethod
    def check(document: dict) -> None:
        slots, states = document["slots"], document["states"]
        require(slots <= 16_000_000 and len(states) == (slots + 3) // 4, "states")
        if slots:
            require(states[-1] >> ((slots - 1) % 4 * 2) in (1, 2, 3), "last slot")
        require(max(len(document["least"]), len(document["reasons"])) <= 250_000, "too many")
        for slot, least in document["least"].items():
            require(least > 0 and state_of(document, slot) != 0, "least generation")
        for slot, reason in document["reasons"].items():
            require(reason > 0 and state_of(document, slot) in (2, 3), "reason")

    @staticmethod
    def revision(document: dict) -> tuple[int, int]:
        return document["epoch"], document["sequence"]


def state_of(document: dict, slot: int) -> int:
    if slot >= document["slots"]:
        return 0
    return document["states"][slot // 4] >> (slot % 4 * 2) & 3


class SlotDelta:
    label, limit = "slot-delta", 524_288
    read = staticmethod(fields(
        event=FOUR, epoch=FOUR, sequence=EIGHT, issued=instant, before=HASH, after=HASH,
        changes=map_of(FOUR, tuple_of(_code(4), ONE, _code(8))),
    ))
    revision = SlotList.revision

    @staticmethod
    def check(document: dict) -> None:
        changes = document["changes"]
        require(1 <= len(changes) <= 50_000 and max(changes) < 16_000_000, "changes")
        for state, _, reason in changes.values():
            require(state != 0 and (reason == 0 or state in (2, 3)), "a change")


_ROW = tuple_of(FOUR, EIGHT, FOUR, ONE, instant, _code(5), EIGHT)
_GATES = map_of(FOUR, alternative(trusted=(), contested=(), retracted=(EIGHT,)))
_BATCH = fields(before=HASH, rows=array_of(_ROW), gates=_GATES)
_SNAPSHOT = fields(
    hash=HASH, reset=instant, folded=map_of(FOUR, EIGHT),
    sums=array_of(tuple_of(FOUR, fields(
        gate=FOUR, admitted=FOUR, since_reset=FOUR, left=FOUR, last_entry_=instant, last_exit_=instant,
    ))),
    rows=array_of(_ROW), gates=_GATES,
)
NONE = bytes(32)


def misnames(row: tuple, undone: tuple | None) -> bool:
    """Whether the row is an undo, and what it is `of` another than it says."""
    return row[5] == 2 and undone is not None and (undone[5], *undone[2:4]) != (0, *row[2:4])


class Feed:
    label, limit = "admission-feed", 37_748_736
    read = staticmethod(fields(
        event=FOUR, epoch=FOUR, sequence=EIGHT, issued=instant,
        content=alternative(batch=(_BATCH,), snapshot=(_SNAPSHOT,)),
    ))
    revision = SlotList.revision

    @staticmethod
    def check(document: dict) -> None:
        kind, content = document["content"]
        rows, gates, sequence = content["rows"], content["gates"], document["sequence"]
        require(ascends([row[:2] for row in rows]), "rows")
        for _, row, _, persons, _, passage, of in rows:
            require(row >= 1 and persons >= 1, "a row")
            require(1 <= of < row if passage == 2 else of == 0, "of")
        named = {row[:2]: row for row in rows}
        require(not any(misnames(row, named.get((row[0], row[6]))) for row in rows), "undo")
        require(len(gates) <= 1024, "gates")
        if kind == "batch":
            require(sequence >= 1 and (sequence == 1) == (content["before"] == NONE), "before")
            require(len(rows) <= 10_000, "rows")
        else:
            Feed._check_snapshot(content, sequence)

    @staticmethod
    def _check_snapshot(content: dict, sequence: int) -> None:
        folded, sums = content["folded"], content["sums"]
        require((sequence == 0) == (content["hash"] == NONE), "hash")
        require(len(sums) <= 500_000 and len(content["rows"]) <= 250_000 and len(folded) <= 1024, "too many")
        require(all(last >= 1 for last in folded.values()), "folded")
        require(ascends([(slot, gate["gate"]) for slot, gate in sums]), "sums")
        for _, gate in sums:
            entered, left = gate["last_entry"] is not None, gate["last_exit"] is not None
            require(gate["gate"] in folded and (entered or left), "a sum")
            require(gate["since_reset"] <= gate["admitted"], "since reset")
            require(entered or gate["admitted"] == 0, "last entry")
            require(left or gate["left"] == 0, "last exit")
        for gate, row, *_ in content["rows"]:
            require(row > folded.get(gate, 0), "a folded row")
        for gate, standing in content["gates"].items():
            require(standing[0] != "trusted", "trusted")
            if standing[0] == "retracted" and gate in folded:
                require(standing[1] > folded[gate], "retracted sums")


class Assignment:
    label, limit = "assignment", 16_384
    read = staticmethod(fields(
        gate=FOUR, version=FOUR, issued=instant, event=FOUR, name=text,
        lanes=array_of(fields(lane=ONE, direction=_code(2), zones=FOUR)),
        lease=fields(until=instant, names_until=instant, suspended=truth),
        secrets=array_of(fields(generation=ONE, encapsulated=HASH, ciphertext=raw(48))),
    ))
    revision = Bundle.revision

    @staticmethod
    def check(document: dict) -> None:
        lanes = document["lanes"]
        require(1 <= len(lanes) <= 32 and ascends([lane["lane"] for lane in lanes]), "lanes")
        require(all(lane["zones"] for lane in lanes), "zones")
        require(1 <= len(document["name"].encode()) <= 100, "name")
        require(document["lease"]["names_until"] <= document["lease"]["until"], "lease")
        secrets = [secret["generation"] for secret in document["secrets"]]
        require(len(secrets) <= 16 and ascends(secrets), "secrets")


_STANDS = fields(revision=fields(epoch=FOUR, sequence=EIGHT), hash=HASH)


class Head:
    label, limit = "head", 1024
    read = staticmethod(fields(
        gate=FOUR, issued=instant, not_after=instant, event=FOUR, roots=HASH, bundle=_STANDS, assignment=_STANDS,
        document_=_STANDS, slots_=_STANDS, feed_=_STANDS,
    ))

    @staticmethod
    def check(document: dict) -> None:
        require(0 < document["not_after"] - document["issued"] <= DAY, "life")

    @staticmethod
    def revision(document: dict) -> tuple[int, int]:
        return 0, document["issued"]


KINDS = {
    "trust-bundle": Bundle, "event-document": Event, "slot-list": SlotList, "slot-delta": SlotDelta,
    "admission-feed": Feed, "assignment": Assignment, "head": Head,
}

_ENVELOPE = fields(payload=raw(), signatures=array_of(fields(key_id=raw(4), signature=raw(64))))


class Envelope:
    """Bytes with signatures over them; nothing in it is believed yet."""

    def __init__(self, kind, data: bytes):
        if len(data) > kind.limit + 1312:
            raise Refused("too-long")
        content = _ENVELOPE(decode(data, kind.limit))
        require(len(content["signatures"]) <= 16, "signatures")
        self.kind, self.payload, self.signatures = kind, content["payload"], content["signatures"]
        self.hash = digest(kind.label, self.payload)

    def document(self) -> dict:
        document = self.kind.read(decode(self.payload, self.kind.limit))
        self.kind.check(document)
        return document

    def signed_by(self, keys: list[bytes], threshold: int) -> list[bytes]:
        message = label(self.kind.label) + self.payload
        signers = [
            key for key in dict.fromkeys(keys)
            if any(
                each["key_id"] == hashlib.sha256(key).digest()[:4] and ed25519.verifies(key, message, each["signature"])
                for each in self.signatures
            )
        ]
        if not signers:
            raise Refused("not-signed")
        if len(signers) < threshold:
            raise Refused("threshold-missed")
        return signers


def fingerprint(bundle: dict) -> bytes:
    return digest("root-fingerprint", bytes([bundle["threshold"]]), *bundle["roots"])


def believed(bundle: dict, role: int, event: int | None = None) -> list[bytes]:
    return [
        key["key"] for key in bundle["keys"]
        if key["role"] == role and key["status"] in (ACTIVE, VERIFY_ONLY) and (event is None or event in key["events"])
    ]


def active(bundle: dict, role: int) -> list[bytes]:
    return [key["key"] for key in bundle["keys"] if key["role"] == role and key["status"] == ACTIVE]


_SET = array_of(tuple_of(_code(7), raw()))


def read_set(data: bytes) -> list[tuple[str, bytes]]:
    limit = 100_663_296
    if len(data) > limit:
        raise Refused("too-long")
    if claimed_items(data) > 4096:
        raise Refused("too-long")
    entries = _SET(decode(data, limit))
    names = list(KINDS)
    return [(names[kind], envelope) for kind, envelope in entries]
