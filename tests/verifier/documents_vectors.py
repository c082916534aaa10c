"""The files of `tests/vectors/documents`: each step's outcome against what its file says."""

import copy
from collections.abc import Iterator

import gate_clock
from cbor import Refused
from document_reader import Reader, needs
from documents import read_set

Mismatch = tuple[str, object, object]
DAY = 24 * 3600 * 1000


def mismatches(content: dict) -> Iterator[Mismatch]:
    """Name, expected and found of each case that ends otherwise."""
    check = _KINDS[content["kind"]]
    for case in content["cases"]:
        for expected, found in check(case, content):
            if expected != found:
                yield case["name"], expected, found


def _documents(case: dict, content: dict) -> Iterator[tuple]:
    reader = Reader(bytes.fromhex(content["pinned"]), content["gate"], content["event"])
    for step in case["steps"]:
        kind = "slot-list" if step["offer"] == "slot-delta" else step["offer"]
        # Holdings are replaced and never changed in place: a shallow copy shows every change.
        before = copy.copy(reader.held), reader.confirmed
        try:
            reader.offer(step["offer"], bytes.fromhex(step["bytes"]), step["now"])
            outcome = "taken"
        except Refused as refused:
            outcome = refused.code
            yield True, before == (reader.held, reader.confirmed)
        yield step["outcome"], outcome
        if outcome == "taken":
            (epoch, sequence), name = reader.held[kind].stands
            yield step["stands"], {"epoch": epoch, "sequence": sequence, "hash": name.hex()}
        for what, expected in step.get("after", {}).items():
            yield expected, _AFTER[what](reader, expected)


def _passages(reader: Reader, asked: list) -> list:
    state = reader.held["admission-feed"].content
    names = ("slot", "except", "reset")
    return [
        {name: each[name] for name in names} | state.passages(each["slot"], each["except"], each["reset"])
        for each in asked
    ]


def _expiry(reader: Reader, at: int) -> str:
    end = reader.bundle()["not_after"]
    if at < end:
        return "good" if end - at >= 30 * DAY else "ends-soon"
    return "ended" if at < end + 7 * DAY else "overdue"


def _lease(reader: Reader, at: int) -> str:
    lease = reader.held["assignment"].content["lease"]
    if lease["suspended"]:
        return "suspended"
    if at >= lease["until"]:
        return "ended"
    return "without-names" if at >= lease["names_until"] else "held"


_AFTER = {
    "slots": lambda reader, asked: [
        [slot, list(reader.held["slot-list"].content.entry(slot))] for slot, _ in asked
    ],
    "confirmed": lambda reader, _: reader.confirmed,
    "passages": _passages,
    "needs": lambda reader, _: needs(reader),
    "expiry": lambda reader, asked: [[at, _expiry(reader, at)] for at, _ in asked],
    "lease": lambda reader, asked: [[at, _lease(reader, at)] for at, _ in asked],
}


def _set(case: dict, _: dict) -> Iterator[tuple]:
    try:
        documents = [[kind, envelope.hex()] for kind, envelope in read_set(bytes.fromhex(case["bytes"]))]
        outcome = "taken"
    except Refused as refused:
        documents, outcome = None, refused.code
    yield case["outcome"], outcome
    yield case.get("documents"), documents


def _clock(case: dict, content: dict) -> Iterator[tuple]:
    clock = gate_clock.Clock(case["floor"], case["started"])
    keys = [bytes.fromhex(key) for key in content["list_keys"]]
    for step in case["steps"]:
        match step["do"]:
            case "answer":
                nonce, signature = bytes.fromhex(step["nonce"]), bytes.fromhex(step["signature"])
                outcome = "not-signed"
                if gate_clock.answered_by(keys, content["gate"], nonce, step["at"], signature):
                    outcome = clock.answer(step["at"], step["asked"], step["answered"], step["battery"])
                yield step["outcome"], outcome
            case "raise":
                clock.raise_floor(step["issued"], step["since_boot"])
            case "held-back":
                clock.held_back(step["issued"])
            case "confirm":
                clock.confirm()
            case "dismiss":
                clock.dismiss()
            case "read":
                expected = {name: step[name] for name in ("state", "now", "waiting", "floor")}
                yield expected, clock.read(step["since_boot"], step["battery"])
            case other:
                raise LookupError(f"a clock does not {other}")


_KINDS = {"documents": _documents, "sets": _set, "clocks": _clock}
