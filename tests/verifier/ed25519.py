"""Ed25519 as the specification asks for it: what OpenSSL does not look at is checked here, with Python's integers."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
_ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]


class NotCanonical(Exception):
    """The bytes are not the canonical encoding of a point."""


def decode_point(encoded: bytes) -> Point:
    """RFC 8032, 5.1.3, and y < p."""
    if len(encoded) != 32:
        raise NotCanonical("a point has 32 bytes")
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & ((1 << 255) - 1)
    if y >= P:
        raise NotCanonical("y is not below p")
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    square = u * pow(v, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * _ROOT_OF_MINUS_ONE % P
    if x * x % P != square:
        raise NotCanonical("no point has this y")
    if x == 0 and sign:
        raise NotCanonical("x = 0 with a sign")
    return (P - x if x % 2 != sign else x, y)


def add(one: Point, other: Point) -> Point:
    """The curve's complete addition (RFC 8032, 5.1)."""
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return (x, y)


def is_of_small_order(point: Point) -> bool:
    """Whether 8 times the point is the neutral element."""
    for _ in range(3):
        point = add(point, point)
    return point == (0, 1)


def judge_key(key: bytes) -> str:
    """`accepted`, `encoding` or `weak`."""
    try:
        point = decode_point(key)
    except NotCanonical:
        return "encoding"
    return "weak" if is_of_small_order(point) else "accepted"


def verifies(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is an accepted key's over a message, label included."""
    commitment, response = signature[:32], int.from_bytes(signature[32:], "little")
    if response >= ORDER:
        return False
    try:
        if is_of_small_order(decode_point(commitment)):
            return False
    except NotCanonical:
        return False
    try:
        # Compares the encoding of S·B − k·A with R byte by byte, without the cofactor.
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except InvalidSignature:
        return False
    return True
