"""CBOR as the section “The encoding” asks for it: one walk that finds the first fault, and the value."""

MAX_DEPTH = 10


class Refused(Exception):
    """Why bytes are not taken: the code of the specification."""

    def __init__(self, code: str, why: str = ""):
        super().__init__(f"{code}: {why}")
        self.code = code


class Map:
    """A map in its order; keys may be of any kind."""

    def __init__(self, pairs: list):
        self.pairs = pairs


def decode(data: bytes, limit: int):
    """The one item that the bytes are: int, bytes, Text, list, Map or bool."""
    item, end = _item(data, 0, limit, 1)
    if end != len(data):
        raise Refused("not-canonical", "bytes follow its end")
    return item


def claimed_items(data: bytes) -> int:
    """How many items the array that the bytes begin with claims; 0 where they begin with something else."""
    major, argument, _ = _head(data, 0)
    return argument if major == 4 else 0


class Text:
    """A text string's bytes; whether they are UTF-8 is looked at when the text is used, which is after the walk."""

    def __init__(self, raw: bytes):
        self.raw = raw


def _item(data: bytes, start: int, limit: int, depth: int):
    if depth > MAX_DEPTH:
        raise Refused("malformed", "nested too deeply")
    major, argument, at = _head(data, start)
    if major == 0:
        return argument, at
    if major in (2, 3):
        _claim(argument, 1, len(data) - at, limit)
        raw = data[at : at + argument]
        return (raw if major == 2 else Text(raw)), at + argument
    if major == 4:
        _claim(argument, 1, len(data) - at, limit)
        items = []
        for _ in range(argument):
            item, at = _item(data, at, limit, depth + 1)
            items.append(item)
        return items, at
    if major == 5:
        _claim(argument, 2, len(data) - at, limit)
        return _map(data, at, argument, limit, depth)
    if major == 7 and argument in (20, 21):
        return argument == 21, at
    raise Refused("malformed", "a kind of item that no document has")


def _map(data: bytes, at: int, count: int, limit: int, depth: int):
    pairs, before = [], None
    for _ in range(count):
        key, after = _item(data, at, limit, depth + 1)
        encoded = data[at:after]
        if before is not None and before >= encoded:
            raise Refused("not-canonical", "keys are not sorted, each once")
        before = encoded
        value, at = _item(data, after, limit, depth + 1)
        pairs.append((key, value))
    return Map(pairs), at


def _head(data: bytes, at: int):
    if at >= len(data):
        raise Refused("truncated")
    major, information = data[at] >> 5, data[at] & 31
    at += 1
    if information < 24:
        return major, information, at
    if information > 27:
        raise Refused("not-canonical", "indefinite or reserved")
    size = 1 << (information - 24)
    if len(data) - at < size:
        raise Refused("truncated")
    argument = int.from_bytes(data[at : at + size], "big")
    least = {1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[size]
    if argument < least:
        raise Refused("not-canonical", "overlong")
    return major, argument, at + size


def _claim(count: int, each: int, left: int, limit: int) -> None:
    if count > limit:
        raise Refused("too-long", f"{count} claimed")
    if count * each > left:
        raise Refused("truncated")
