"""The registry of labels, read out of the specification's table."""

import re
from pathlib import Path

SPECIFICATION = Path(__file__).resolve().parents[2] / "shared" / "README.md"

_NAMES = re.findall(r"^\| `countermark/1/([a-z0-9-]+)` \|", SPECIFICATION.read_text("utf-8"), re.MULTILINE)
_PREFIX = "countermark/1/"


def label(name: str) -> bytes:
    """The 32 bytes of a label: ASCII, padded with zeros."""
    if name not in _NAMES:
        raise LookupError(f"the specification has no label {name}")
    text = (_PREFIX + name).encode("ascii")
    if len(text) > 32:
        raise ValueError(f"label {name} has more than 32 bytes")
    return text.ljust(32, b"\0")
