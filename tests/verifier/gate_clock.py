"""A gate's clock, as the section “Time” has it. Instants and times since boot are milliseconds, halves rounded down."""

import ed25519
from documents import DAY
from labels import label

SLACK = 5_000
BATTERY_ERROR = 60_000


class Clock:
    def __init__(self, floor: int, started: int):
        self.start, self.started, self.floor = floor, started, floor
        self.anchor = None  # instant, since boot, error
        self.waiting = None  # instant, anchor or None

    def reading(self, since_boot: int, battery: int | None):
        """Instant, error and state."""
        if self.anchor is not None:
            instant, at, error = self.anchor
            elapsed = since_boot - at
            return instant + elapsed, error + elapsed * 100 // 1_000_000, "signed"
        if battery is not None:
            return battery, BATTERY_ERROR, "battery"
        return self.reached(since_boot)[0], 0, "unknown"

    def reached(self, since_boot: int):
        """What it is at least, and what the crystal may have made too much of the run."""
        if self.anchor is not None:
            return self.floor, 0
        run = since_boot - self.started
        return max(self.floor, self.start + run), run * 100 // 1_000_000

    def read(self, since_boot: int, battery: int | None) -> dict:
        instant, error, state = self.reading(since_boot, battery)
        if self.waiting is not None:
            state = "ahead"
        elif instant + error + SLACK < self.surely(since_boot):
            state = "rolled-back"
        waiting = None if self.waiting is None else self.waiting[0]
        now = max(instant, self.reached(since_boot)[0])
        return {"state": state, "now": now, "waiting": waiting, "floor": self.surely(since_boot)}

    def surely(self, since_boot: int) -> int:
        if self.anchor is None:
            instant, error = self.reached(since_boot)
        else:
            instant, error, _ = self.reading(since_boot, None)
        return max(self.floor, instant - error)

    def answer(self, at: int, asked: int, answered: int, battery: int | None) -> str:
        if not 0 <= answered - asked <= 5_000:
            return "too-slow"
        self.floor = self.surely(answered)
        half = (answered - asked) // 2
        anchor = (at + half, answered, half)
        if at > self.read(answered, battery)["now"] + DAY:
            self.waiting = (anchor[0], anchor)
            return "ahead"
        self._set(anchor)
        return "taken"

    def raise_floor(self, issued: int, since_boot: int) -> None:
        if self.anchor is not None:
            issued = min(issued, self.reading(since_boot, None)[0])
        self.floor = max(self.floor, issued)

    def held_back(self, issued: int) -> None:
        if self.anchor is not None or (self.waiting is not None and self.waiting[1] is not None):
            return
        self.waiting = (max(issued, self.waiting[0] if self.waiting else 0), None)

    def confirm(self) -> None:
        if self.waiting is None:
            return
        instant, anchor = self.waiting
        self.waiting = None
        if anchor is None:
            self.floor = max(self.floor, instant)
        else:
            self._set(anchor)

    def dismiss(self) -> None:
        self.waiting = None

    def _set(self, anchor: tuple) -> None:
        self.anchor, self.waiting = anchor, None
        self.floor = max(self.floor, anchor[0] - anchor[2])


def answered_by(keys: list[bytes], gate: int, nonce: bytes, at: int, signature: bytes) -> bool:
    message = label("gate-time") + gate.to_bytes(4) + nonce + at.to_bytes(8)
    return any(ed25519.verifies(key, message, signature) for key in keys)
