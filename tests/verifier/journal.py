"""A journal as a file for auditors: its rows, the chain, the gate's checkpoint; and the vectors of it."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cbor import Map, Refused, decode
from document_fields import fields, instant, number, raw, require, truth
from ed25519 import judge_key, verifies
from labels import SPECIFICATION, label

FORMAT = "countermark-journal/1"
START = bytes(32)
MAX_ROW = 512

# Codes of the reasons in the order of their numbers, and whether each opens.
_TABLE = re.findall(r"^\| \d+ \| `([a-z-]+)` \| (\w+) \|", SPECIFICATION.read_text("utf-8"), re.MULTILINE)
REASONS = [code for code, _ in _TABLE]
OPENS = {code: severity in ("admit", "attention") for code, severity in _TABLE}
LEAVES = {"exit", "exit-without-entry"}


class Wrong(Exception):
    """What does not hold in a line."""


def word(*words: str):
    def read(item):
        require(type(item) is int and item < len(words), "no such word")
        return words[item]

    return read


def tagged(**named):
    """An array of a number and a map of fields; alternatives without fields are their name alone."""
    names = list(named)

    def read(item):
        require(type(item) is list and len(item) == 2 and type(item[0]) is int, "no alternative")
        require(item[0] < len(names), "no such alternative")
        name = names[item[0]]
        if named[name] is None:
            require(item[1] == [], "fields where there are none")
            return name
        require(isinstance(item[1], Map), "no fields")
        return {name: named[name](item[1])}

    return read


def hexadecimal(length: int):
    return lambda item: raw(length)(item).hex()


def several(item) -> int:
    require(number(1)(item) > 0, "nobody")
    return item


_OF = number(8)
_ACT = tagged(
    undo=fields(of=_OF, persons=several),
    actuated=fields(of=_OF, actuation=word("opened", "turned", "not-turned", "not-opened")),
    overrule=fields(
        of=_OF,
        supervisor=number(2),
        why=word("identified", "unreadable", "not-passed", "organisers-decision", "other"),
    ),
    claim=fields(attempt=hexadecimal(16), persons=several),
    claimed=fields(of=_OF),
    hold=None,
    release=None,
)
_ROW = fields(
    gate=number(4),
    sequence=number(8),
    boot=hexadecimal(16),
    at=instant,
    clock=word("signed", "battery", "rolled-back", "ahead", "unknown"),
    lane=number(1),
    direction=word("entry", "exit"),
    subject=tagged(ticket=fields(event=number(4), slot=number(4), generation=number(1)), payload=fields(hash=hexadecimal(32))),
    persons=number(1),
    actor=word("gate", "operator", "supervisor"),
    reason=word(*REASONS),
    proved=truth,
    documents=fields(
        bundle=number(4),
        event=number(4),
        list_epoch=number(4),
        list_sequence=number(8),
        assignment=number(4),
        feed_epoch=number(4),
        feed_sequence=number(8),
    ),
    act_=_ACT,
)


def read_row(data: bytes) -> dict:
    """What the bytes of a row say, as the lines of a file spell it; only the instant stays a number."""
    if len(data) > MAX_ROW:
        raise Refused("too-long")
    row = _ROW(decode(data, MAX_ROW))
    if row["act"] is None:
        del row["act"]
    require(0 < row["sequence"] < 2**53, "rows are numbered from 1 to 2^53 - 1")
    _check(row)
    return row


def _check(row: dict) -> None:
    act = row.get("act")
    kind = act if isinstance(act, str) or act is None else next(iter(act))
    opens, ticket = OPENS[row["reason"]], "ticket" in row["subject"]
    if act is not None:
        require(ticket, "an act without a ticket")
        of = {} if isinstance(act, str) else act[kind]
        require("of" not in of or 0 < of["of"] < row["sequence"], "no earlier row")
        if kind in ("undo", "actuated", "claim"):
            require(opens, "about a refusal")
        if kind in ("hold", "release"):
            require(row["reason"] == "blocked", "not blocked")
    require((kind == "overrule") == (row["reason"] == "overruled"), "overruled and not")
    if kind == "overrule":
        require(row["actor"] == "supervisor" and row["direction"] == "entry", "no supervisor")
    if kind not in (None, "overrule", "claimed"):
        require(row["persons"] == 0 and not row["proved"], "no verdict")
        return
    require(opens == (row["persons"] > 0), "persons and reason")
    require(not opens or (row["reason"] in LEAVES) == (row["direction"] == "exit"), "in or out")
    require(ticket or (row["persons"] == 0 and not row["proved"]), "without a ticket")
    if row["reason"] == "found-by-order":
        require(ticket and not row["proved"] and row["direction"] == "entry", "found and not shown")


def audit(lines: list[str]) -> int:
    """The number of the last row of a file that holds; raises what is wrong, with its line."""
    head, *rows, end = [(line, json.loads(text)) for line, text in enumerate(lines, start=1)]
    line, first = head
    _expect(first["format"] == FORMAT, line, "format")
    sequence, chain, key = first["after"], bytes.fromhex(first["hash"]), bytes.fromhex(first["key"])
    _expect((sequence == 0) == (chain == START), line, "beginning")
    for line, row in rows:
        _expect(row["sequence"] == sequence + 1, line, "order")
        data = base64.b64decode(row["row"], validate=True)
        try:
            read = read_row(data)
        except Refused:
            raise Wrong(line, "row") from None
        _expect((read["gate"], read["sequence"]) == (first["gate"], sequence + 1), line, "row")
        _expect(read == row["says"] | {"at": _milliseconds(row["says"]["at"])}, line, "says")
        chain = hashlib.sha256(label("journal-row") + chain + data).digest()
        _expect(row["hash"] == chain.hex(), line, "chain")
        sequence += 1
    line, checkpoint = end[0], end[1]["checkpoint"]
    _expect((checkpoint["sequence"], checkpoint["hash"]) == (sequence, chain.hex()), line, "checkpoint")
    signed = label("journal-checkpoint") + _checkpoint(first["gate"], sequence, chain)
    signature = base64.b64decode(checkpoint["signature"], validate=True)
    _expect(judge_key(key) == "accepted" and verifies(key, signed, signature), line, "signature")
    return sequence


def _expect(holds: bool, line: int, what: str) -> None:
    if not holds:
        raise Wrong(line, what)


def _milliseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _checkpoint(gate: int, sequence: int, chain: bytes) -> bytes:
    return b"\xa3\x00" + _unsigned(gate) + b"\x01" + _unsigned(sequence) + b"\x02\x58\x20" + chain


def _unsigned(value: int) -> bytes:
    """An unsigned integer in its shortest form (RFC 8949, 3)."""
    if value < 24:
        return bytes([value])
    size = next(size for size in (1, 2, 4, 8) if value < 1 << (8 * size))
    return bytes([{1: 24, 2: 25, 4: 26, 8: 27}[size]]) + value.to_bytes(size, "big")


def mismatches(content: dict) -> Iterator[tuple[str, object, object]]:
    """Name, expected and found of each case that ends otherwise."""
    for case in content["cases"]:
        try:
            found = {"holds": audit(case["lines"])}
        except Wrong as wrong:
            line, what = wrong.args
            found = {"wrong": {"line": line, "what": what}}
        if found != case["expect"]:
            yield case["name"], case["expect"], found
