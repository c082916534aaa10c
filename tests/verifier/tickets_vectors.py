"""The files of `tests/vectors/tickets`: each case's outcome against what its file says."""

from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import ed25519
import order_code
import sealing
import ticket
from labels import label

Mismatch = tuple[str, object, object]


def mismatches(content: dict) -> Iterator[Mismatch]:
    """Name, expected and found of each case that ends otherwise."""
    check = _KINDS[content["kind"]]
    for case in content["cases"]:
        for expected, found in check(case, content):
            if expected != found:
                yield case["name"], expected, found


def _ticket(case: dict, content: dict) -> Iterator[tuple]:
    opening = None
    try:
        read = ticket.parse(case["text"])
        found = ticket.verify(read, content["rings"][case["ring"]])
        if secret := case.get("secret"):
            opening = sealing.open_sealed(read, secret["event"], secret["generation"], bytes.fromhex(secret["secret"]))
    except ticket.Refused as refused:
        found = refused.outcome
    yield case["expect"], found
    yield case.get("opening"), opening


def _public_key(case: dict, _: dict) -> Iterator[tuple]:
    judge = {"ed25519": ed25519.judge_key, "x25519": sealing.judge_key}[case["curve"]]
    yield case["expect"], judge(bytes.fromhex(case["key"]))


def _holder_key(case: dict, _: dict) -> Iterator[tuple]:
    info = case["event"].to_bytes(4, "big") + case["slot"].to_bytes(4, "big") + case["generation"].to_bytes(1, "big")
    seed = sealing.derive(bytes.fromhex(case["account_secret"]), "holder-key", info)
    yield case["seed"], seed.hex()
    yield case["key"], Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw().hex()


def _enrolment(case: dict, _: dict) -> Iterator[tuple]:
    account, key, proof = (bytes.fromhex(case[name]) for name in ("account", "key", "proof"))
    yield case["proved"], ed25519.verifies(key, label("holder-enrolment") + account + key, proof)


def _wrapping(case: dict, _: dict) -> Iterator[tuple]:
    enc, ciphertext, gate_key = (bytes.fromhex(case[name]) for name in ("enc", "ciphertext", "gate_key"))
    secret = sealing.unwrap(enc, ciphertext, gate_key, case["gate"], case["event"], case["generation"])
    yield case["secret"], None if secret is None else secret.hex()


def _half(case: dict, content: dict) -> Iterator[tuple]:
    opening = None
    try:
        body, fields, _ = half = ticket.parse_half(bytes.fromhex(case["half"]))
        found = ticket.verify_half(half, content["rings"][case["ring"]])
        if secret := case.get("secret"):
            opening = sealing.open_body(
                body, fields, secret["event"], secret["generation"], bytes.fromhex(secret["secret"])
            )
    except ticket.Refused as refused:
        found = refused.outcome
    yield case["expect"], found
    yield case.get("opening"), opening


def _order_code(case: dict, _: dict) -> Iterator[tuple]:
    yield case["code"], order_code.read(case["typed"])


def _order_tag(case: dict, _: dict) -> Iterator[tuple]:
    yield case["code"], order_code.of_order(bytes.fromhex(case["order"]))
    yield case["tag"], sealing.order_tag(bytes.fromhex(case["secret"]), case["code"]).hex()


_KINDS = {
    "tickets": _ticket,
    "public-keys": _public_key,
    "holder-keys": _holder_key,
    "enrolments": _enrolment,
    "wrappings": _wrapping,
    "halves": _half,
    "order-codes": _order_code,
    "order-tags": _order_tag,
}
