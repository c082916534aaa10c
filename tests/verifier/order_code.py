"""Orders' codes: ten symbols of Crockford's base32."""

SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MEANT = {**{symbol: symbol for symbol in SYMBOLS}, "I": "1", "L": "1", "O": "0"}
_MEANT |= {symbol.lower(): meant for symbol, meant in _MEANT.items()}


def of_order(order: bytes) -> str:
    """The code of an order: the last 50 bits of its UUID."""
    last = int.from_bytes(order, "big") & (1 << 50) - 1
    return _show("".join(SYMBOLS[last >> 5 * place & 31] for place in reversed(range(10))))


def read(typed: str) -> str | None:
    """The code that was typed, as it is shown; nothing when it is none."""
    symbols = [_MEANT.get(symbol) for symbol in typed if symbol not in "- "]
    return None if len(symbols) != 10 or None in symbols else _show("".join(symbols))


def number(code: str) -> int:
    """The 50 bits of a code as it is shown."""
    value = 0
    for symbol in code.replace("-", ""):
        value = value << 5 | SYMBOLS.index(symbol)
    return value


def _show(symbols: str) -> str:
    return f"{symbols[:5]}-{symbols[5:]}"
