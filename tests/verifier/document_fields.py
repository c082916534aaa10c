"""What a document's fields may be: readers from CBOR items to plain values, any other item being `malformed`."""

from cbor import Map, Refused, Text

LAST_INSTANT = 253_402_300_799_999


def malformed(why: str) -> Refused:
    return Refused("malformed", why)


def require(holds: bool, why: str) -> None:
    if not holds:
        raise malformed(why)


def number(size: int):
    """Unsigned integers of at most so many bytes."""

    def read(item):
        require(type(item) is int and item < 1 << (8 * size), "no such number")
        return item

    return read


def instant(item) -> int:
    require(type(item) is int and item <= LAST_INSTANT, "no instant")
    return item


def truth(item) -> bool:
    require(type(item) is bool, "no truth")
    return item


def raw(length: int | None = None):
    """Byte strings, of one length where it is given."""

    def read(item):
        require(type(item) is bytes and (length is None or len(item) == length), "no such bytes")
        return item

    return read


def text(item) -> str:
    require(isinstance(item, Text), "no text")
    try:
        return item.raw.decode("utf-8")
    except UnicodeDecodeError:
        raise malformed("no UTF-8") from None


def array_of(read):
    def read_all(item):
        require(type(item) is list, "no array")
        return [read(each) for each in item]

    return read_all


def tuple_of(*fields):
    def read_all(item):
        require(type(item) is list and len(item) == len(fields), "no such array")
        return tuple(read(each) for read, each in zip(fields, item))

    return read_all


def map_of(key, value):
    """Maps whose keys are data; the walk saw that they ascend."""

    def read_all(item):
        require(isinstance(item, Map), "no map")
        return {key(name): value(each) for name, each in item.pairs}

    return read_all


def fields(**named):
    """Maps with keys 0, 1, … in the order of the names; one whose name ends in `_` may be absent."""

    def read_all(item):
        require(isinstance(item, Map), "no map")
        given = dict()
        for key, value in item.pairs:
            require(type(key) is int and key < len(named), "an unknown key")
            given[key] = value
        result = {}
        for key, (name, read) in enumerate(named.items()):
            optional = name.endswith("_")
            require(key in given or optional, f"no {name}")
            result[name.rstrip("_")] = read(given[key]) if key in given else None
        return result

    return read_all


def alternative(**named):
    """Arrays of a number and an array of fields: the name and the fields."""
    names = list(named)

    def read_all(item):
        require(type(item) is list and len(item) == 2 and type(item[0]) is int, "no alternative")
        require(item[0] < len(names) and type(item[1]) is list, "no such alternative")
        name = names[item[0]]
        require(len(item[1]) == len(named[name]), "other fields")
        return (name, *(read(each) for read, each in zip(named[name], item[1])))

    return read_all


def ascends(items: list) -> bool:
    return all(one < other for one, other in zip(items, items[1:]))
