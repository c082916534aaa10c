"""Base45 (RFC 9285), where each string of bytes has one text."""

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {character: value for value, character in enumerate(ALPHABET)}


class NotBase45(Exception):
    """The text is none."""


def decode(text: str) -> bytes:
    """The bytes of a text."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError as error:
        raise NotBase45(f"{error} is not one of the 45") from None
    decoded = bytearray()
    for start in range(0, len(values), 3):
        group = values[start : start + 3]
        number = sum(value * 45**place for place, value in enumerate(group))
        if len(group) == 1:
            raise NotBase45("the last group has one character")
        if number >= (1 << 16 if len(group) == 3 else 1 << 8):
            raise NotBase45("a group is too large")
        decoded += number.to_bytes(len(group) - 1, "big")
    return bytes(decoded)


def encode(data: bytes) -> str:
    """The text of bytes."""
    text = []
    for start in range(0, len(data), 2):
        group = data[start : start + 2]
        number = int.from_bytes(group, "big")
        for _ in range(len(group) + 1):
            number, value = divmod(number, 45)
            text.append(ALPHABET[value])
    return "".join(text)
