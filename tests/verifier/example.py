"""The specification's worked example: what it shows is what its own rules give."""

import hashlib
import re
from collections.abc import Iterator

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

import order_code
import sealing
import ticket
from labels import SPECIFICATION, label

Sections = list[tuple[str, dict]]


def sections() -> Sections:
    """Each heading of the example with its named values: bytes, or a text where it stands between bars."""
    found = re.search(r"<!-- example -->\n```text\n(.*?)```", SPECIFICATION.read_text("utf-8"), re.DOTALL)
    parsed: Sections = []
    for line in found.group(1).splitlines():
        if not line:
            continue
        if not line.startswith(" "):
            parsed.append((line, {}))
            continue
        values = parsed[-1][1]
        name, written = line[2:40].strip(), line[40:]
        value = written[1:-1] if written.startswith("|") else bytes.fromhex(written)
        if name:
            values[name] = value
        else:
            last = next(reversed(values))
            values[last] += value
    return parsed


def mismatches() -> Iterator[tuple[str, object, object]]:
    """What, shown and computed, wherever they differ."""
    for what, shown, computed in _checks():
        if shown != computed:
            yield what, shown, computed


def count() -> int:
    """How many values are computed anew."""
    return sum(1 for _ in _checks())


def _checks() -> Iterator[tuple[str, object, object]]:
    keys, static, derived, seal, live, shown, device, wrapped, found = (values for _, values in sections())
    for role in ("issuing", "authority"):
        yield f"{role} key", keys[f"{role} key, public"], _public(keys[f"{role} key, private"])
    ring = [
        {"role": role, "status": "active", "key": keys[f"{role} key, public"].hex()} for role in ("issuing", "authority")
    ]
    for what, values in (("static", static), ("live", live)):
        read = ticket.parse(values["text"])
        body = b"".join(value for name, value in values.items() if re.match(r"[0-9]", name))
        yield f"{what}: body", body, read.body
        for name, by, signature in (("issue", "issuer", read.issuer), ("authorise", "authority", read.authority)):
            digest = hashlib.sha256(label(name) + body).digest()
            yield f"{what}: label {name}", values[f"SHA-256(label {name} ‖ body)"], digest
            yield f"{what}: {by}", values[f"{by}'s signature"], signature
            role = "issuing" if by == "issuer" else by
            signed = Ed25519PrivateKey.from_private_bytes(keys[f"{role} key, private"]).sign(label(name) + body)
            yield f"{what}: {by} again", signature, signed
        yield f"{what}: verified", values["text"], ticket.verify(read, ring)["kept"]

    seed = sealing.derive(derived["account secret"], "holder-key", derived["info"][32:])
    yield "holder key, private", derived["holder key, private"], seed
    yield "holder key, public", derived["holder key, public"], _public(seed)

    read = ticket.parse(live["text"])
    yield "seal: header", seal["associated data"], read.sealed_header
    yield "seal: key", seal["key"], sealing.derive(seal["event secret, generation 1"], "seal", read.sealed_header)
    opened = sealing.open_sealed(read, read.fields["event"], 1, seal["event secret, generation 1"])
    yield "seal: opened", sealing.read_text(seal["plaintext"]), opened

    read = ticket.parse(shown["text"])
    yield "shown: time and signature", shown["time"] + shown["holder's signature"], read.presentation
    moment = {"proved-at": int.from_bytes(shown["time"], "big")}
    yield "shown: proved", moment, ticket.verify(read, ring)["shown"]
    message = label("present") + read.body + shown["time"]
    yield "shown: digest", shown["SHA-256(label present ‖ body ‖ time)"], hashlib.sha256(message).digest()

    enrolment = label("holder-enrolment") + device["account"] + device["holder key, public"]
    yield "device: key", device["holder key, public"], _public(device["holder key, private"])
    yield "device: digest", device["SHA-256(label holder-enrolment ‖ …)"], hashlib.sha256(enrolment).digest()
    proof = Ed25519PrivateKey.from_private_bytes(device["holder key, private"]).sign(enrolment)
    yield "device: proof", device["proof"], proof

    gate = X25519PrivateKey.from_private_bytes(wrapped["gate's X25519 key, private"])
    yield "gate: key", wrapped["gate's X25519 key, public"], gate.public_key().public_bytes_raw()
    secret = sealing.unwrap(
        wrapped["enc"], wrapped["ciphertext and tag"], wrapped["gate's X25519 key, private"], 17, read.fields["event"], 1
    )
    yield "gate: secret", seal["event secret, generation 1"], secret

    yield "order: code", found["code"], order_code.of_order(found["order"])
    yield "order: info", found["info"], label("order-tag") + order_code.number(found["code"]).to_bytes(8, "big")
    tag = sealing.order_tag(seal["event secret, generation 1"], found["code"])
    yield "order: tag", found["tag, generation 1"], tag


def _public(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()
