"""A reader of one gate and event: what it holds, and what becomes of a document that it is offered."""

from cbor import Refused
from documents import DAY, KINDS, LIST, NONE, ORGANISER, Envelope, active, believed, digest, fingerprint, misnames, state_of

MAX_ROWS = 250_000
MAX_GATES = 1024
MAX_SPARSE = 250_000
BLOCK = 4096


class Held:
    """A document in force, or what stands for one, and each key's floor."""

    def __init__(self, content, stands: tuple, signers: list, keys: list, before: "Held | None"):
        self.content, self.stands = content, stands
        kept = {} if before is None else {key: floor for key, floor in before.floors.items() if key in keys}
        self.floors = kept | {signer: stands for signer in signers}

    def floor(self, keys: list):
        return max((floor for key, floor in self.floors.items() if key in keys), default=None, key=lambda floor: floor[0])


def ascend(floor, stands) -> bool:
    """Whether this is newer than the floor, or the floor's own."""
    if floor is None or stands[0] > floor[0]:
        return True
    if stands[0] < floor[0]:
        raise Refused("older")
    if stands[1] != floor[1]:
        raise Refused("conflicting")
    return False


def follow(held: Held | None, stands: tuple, before: bytes) -> bool:
    """Whether a step leads on from what is in force, or led there."""
    if held is None:
        raise Refused("no-snapshot")
    if not ascend(held.stands, stands):
        return False
    (epoch, sequence), (held_epoch, held_sequence) = stands[0], held.stands[0]
    if epoch != held_epoch:
        raise Refused("other-epoch")
    if sequence != held_sequence + 1:
        raise Refused("gap")
    return True


class Table:
    """Slots by number, each with state, least generation and reason, and how many the list has."""

    def __init__(self, event: int, slots: int, said: dict):
        self.event, self.slots, self.said = event, slots, said

    @staticmethod
    def of(document: dict) -> "Table":
        said = {}
        for index, byte in enumerate(document["states"]):
            for place in range(4) if byte else ():
                slot = index * 4 + place
                if state := state_of(document, slot):
                    said[slot] = (state, document["least"].get(slot, 0), document["reasons"].get(slot, 0))
        return Table(document["event"], document["slots"], said)

    def entry(self, slot: int) -> tuple:
        return self.said.get(slot, (0, 0, 0))

    def changed(self, changes: dict) -> "Table":
        for slot in sorted(changes):
            may_become(self.entry(slot), changes[slot])
        said = self.said | changes
        for part in (1, 2):
            if sum(1 for entry in said.values() if entry[part]) > MAX_SPARSE:
                raise Refused("full")
        return Table(self.event, max(self.slots, max(changes) + 1), said)

    def may_follow(self, earlier: "Table") -> None:
        for slot in sorted(earlier.said):
            may_become(earlier.entry(slot), self.entry(slot))

    def content(self) -> bytes:
        blocks = [self._block(first) for first in range(0, self.slots, BLOCK)]
        return digest("slot-content", b"\1", self.event.to_bytes(4), self.slots.to_bytes(4), *blocks)

    def _block(self, first: int) -> bytes:
        count = min(self.slots - first, BLOCK)
        entries = [self.entry(slot) for slot in range(first, first + count)]
        states = bytearray((count + 3) // 4)
        for place, (state, _, _) in enumerate(entries):
            states[place // 4] |= state << (place % 4 * 2)

        def listed(part: int) -> bytes:
            some = [(place, entry[part]) for place, entry in enumerate(entries) if entry[part]]
            return len(some).to_bytes(2) + b"".join(place.to_bytes(2) + bytes([value]) for place, value in some)

        return digest("slot-content", b"\0", count.to_bytes(2), bytes(states), listed(1), listed(2))


def may_become(earlier: tuple, later: tuple) -> None:
    if earlier[0] == 3 and later[0] != 3:
        raise Refused("revives")
    if earlier[0] != 0 and later[0] == 0:
        raise Refused("unissues")
    if later[1] < earlier[1]:
        raise Refused("lowers-generation")


class FeedState:
    """Rows as a set, sums, and gates' standings."""

    def __init__(self, reset: int, folded: dict, sums: list, rows: list, gates: dict):
        self.reset, self.folded, self.sums = reset, folded, sums
        self.rows = {(row[0], row[1]): row for row in rows}
        self.gates = gates

    def after(self, batch: dict) -> "FeedState":
        gates = dict(self.gates)
        for gate, standing in sorted(batch["gates"].items()):
            held = gates.get(gate, ("trusted",))
            if standing[0] == "retracted":
                if standing[1] <= self.folded.get(gate, -1):
                    raise Refused("retracts-folded")
                gates[gate] = standing if held[0] != "retracted" else min(held, standing)
            elif held[0] != "retracted":
                gates[gate] = standing
        rows = dict(self.rows)
        for row in batch["rows"]:
            if row[1] <= self.folded.get(row[0], 0):
                continue
            if rows.setdefault((row[0], row[1]), row) != row:
                raise Refused("row-conflict")
        if any(misnames(row, rows.get((row[0], row[6]))) for row in rows.values()):
            raise Refused("row-conflict")
        not_trusted = [gate for gate, standing in gates.items() if standing[0] != "trusted"]
        if len(rows) > MAX_ROWS or len(not_trusted) > MAX_GATES:
            raise Refused("full")
        return FeedState(self.reset, self.folded, self.sums, list(rows.values()), gates)

    def passages(self, slot: int, gate_that_asks, reset) -> dict:
        rows = [
            row for row in self.rows.values()
            if row[2] == slot and row[0] != gate_that_asks and self._counts(row)
        ]
        taken_back = {(row[0], row[6]) for row in rows if row[5] == 2}
        entries = [row for row in rows if row[5] == 0 and (row[0], row[1]) not in taken_back]
        exits = [row for row in rows if row[5] == 1]
        admitted = sum(row[3] for row in entries)
        since = sum(row[3] for row in entries if reset is None or row[4] >= reset)
        left = sum(row[3] for row in exits)
        last_entries = [(row[4], row[0]) for row in rows if row in entries or row[5] == 3]
        last_exits = [row[4] for row in rows if row[5] in (1, 4)]
        gates = {row[0] for row in rows}
        for of_slot, total in self.sums:
            gate = total["gate"]
            if of_slot != slot or gate == gate_that_asks:
                continue
            gates.add(gate)
            undone = {}
            for row in rows:
                if row[0] == gate and row[5] == 2 and row[6] <= self.folded[gate]:
                    undone[row[6]] = max(undone.get(row[6], 0), row[3])
            less = sum(undone.values())
            admitted += max(total["admitted"] - less, 0)
            since += max(self._since(total, reset) - less, 0)
            left += total["left"]
            if total["last_entry"] is not None:
                last_entries.append((total["last_entry"], gate))
            if total["last_exit"] is not None:
                last_exits.append(total["last_exit"])
        return {
            "admitted": admitted, "since_reset": since, "left": left, "inside": max(admitted - left, 0),
            "last_entry": list(max(last_entries)) if last_entries else None,
            "last_exit": max(last_exits, default=None),
            "contested": any(self.gates.get(gate, ("trusted",))[0] == "contested" for gate in gates),
        }

    def _since(self, total: dict, reset) -> int:
        if reset is None:
            return total["admitted"]
        if total["last_entry"] is None or total["last_entry"] < reset:
            return 0
        return total["since_reset"] if self.reset <= reset else total["admitted"]

    def _counts(self, row: tuple) -> bool:
        standing = self.gates.get(row[0], ("trusted",))
        return standing[0] != "retracted" or row[1] < standing[1]


class Reader:
    """Holds nothing at first; what is refused changes nothing."""

    def __init__(self, pinned: bytes, gate: int, event: int):
        self.pinned, self.gate, self.event = pinned, gate, event
        self.held: dict[str, Held] = {}
        self.confirmed = None

    def offer(self, kind: str, data: bytes, now: int) -> None:
        envelope = Envelope(KINDS[kind], data)
        take = {"trust-bundle": self._bundle, "event-document": self._event}.get(kind)
        if take is not None:
            take(envelope, now)
            return
        keys = self.list_keys()
        signers = envelope.signed_by(active(self.bundle(), LIST) if kind == "head" else keys, 1)
        document = envelope.document()
        subject = ("gate", self.gate) if kind in ("assignment", "head") else ("event", self.event)
        if document[subject[0]] != subject[1]:
            raise Refused("other-subject")
        # A head is judged by its end before its age: “After its subject”.
        if kind == "head" and now >= document["not_after"]:
            raise Refused("expired")
        not_from_the_future(document, now)
        take = {"slot-list": self._slot_list, "slot-delta": self._slot_delta, "admission-feed": self._feed}.get(kind)
        if take is not None:
            take(document, envelope, signers, keys)
            return
        stands = (KINDS[kind].revision(document), envelope.hash)
        before = self.held.get(kind)
        ascend(before and before.floor(keys), stands)
        self.held[kind] = Held(document, stands, signers, keys, before)
        if kind == "head":
            slots = self.held.get("slot-list")
            if slots and document["event"] == self.event and stated(document["slots"]) == slots.stands:
                self.confirmed = max(self.confirmed, document["issued"])

    def bundle(self) -> dict:
        return self.held["trust-bundle"].content

    def list_keys(self) -> list[bytes]:
        return believed(self.bundle(), LIST)

    def _bundle(self, envelope: Envelope, now: int) -> None:
        document = envelope.document()
        before = self.held.get("trust-bundle")
        if before is None:
            if fingerprint(document) != self.pinned:
                raise Refused("other-root")
        else:
            current = before.content
            if document["version"] < current["version"]:
                raise Refused("older")
            if fingerprint(document) != fingerprint(current):
                try:
                    envelope.signed_by(current["roots"], current["threshold"])
                except Refused:
                    raise Refused("other-root") from None
        envelope.signed_by(document["roots"], document["threshold"])
        not_from_the_future(document, now)
        stands = (KINDS["trust-bundle"].revision(document), envelope.hash)
        ascend(before and before.stands, stands)
        self.held["trust-bundle"] = Held(document, stands, [], [], None)

    def _event(self, envelope: Envelope, now: int) -> None:
        document = envelope.document()
        before = self.held.get("event-document")
        if before is not None and before.content["event"] != document["event"]:
            raise Refused("other-subject")
        keys = believed(self.bundle(), ORGANISER, document["event"])
        signers = envelope.signed_by(keys, 1)
        not_from_the_future(document, now)
        stands = (KINDS["event-document"].revision(document), envelope.hash)
        ascend(before and before.floor(keys), stands)
        self.held["event-document"] = Held(document, stands, signers, keys, before)

    def _slot_list(self, document: dict, _: Envelope, signers: list, keys: list) -> None:
        table, before = Table.of(document), self.held.get("slot-list")
        stands = (KINDS["slot-list"].revision(document), table.content())
        confirmed = document["issued"]
        if before is not None:
            floor = before.floor(keys)
            ascend(floor, stands)
            if floor == before.stands and floor[0][0] == stands[0][0]:
                table.may_follow(before.content)
            if stands == before.stands:
                confirmed = max(confirmed, self.confirmed)
        self.held["slot-list"] = Held(table, stands, signers, keys, before)
        self.confirmed = confirmed

    def _slot_delta(self, document: dict, _: Envelope, signers: list, keys: list) -> None:
        before = self.held.get("slot-list")
        stands = (KINDS["slot-delta"].revision(document), document["after"])
        table = before and before.content
        if follow(before, stands, document["before"]):
            if document["before"] != before.stands[1]:
                raise Refused("wrong-before")
            table = table.changed(document["changes"])
            if table.content() != document["after"]:
                raise Refused("wrong-after")
        self.held["slot-list"] = Held(table, stands, signers, keys, before)
        self.confirmed = max(self.confirmed, document["issued"])

    def _feed(self, document: dict, envelope: Envelope, signers: list, keys: list) -> None:
        kind, content = document["content"]
        before = self.held.get("admission-feed")
        revision = KINDS["admission-feed"].revision(document)
        if kind == "snapshot":
            stands = (revision, content["hash"])
            ascend(before and before.floor(keys), stands)
            state = FeedState(*(content[name] for name in ("reset", "folded", "sums", "rows", "gates")))
        else:
            stands = (revision, envelope.hash)
            state = before and before.content
            if follow(before, stands, content["before"]):
                if content["before"] != before.stands[1]:
                    raise Refused("wrong-before")
                state = state.after(content)
        self.held["admission-feed"] = Held(state, stands, signers, keys, before)


def not_from_the_future(document: dict, now: int) -> None:
    if document["issued"] > now + DAY:
        raise Refused("from-the-future")


def stated(stands: dict | None):
    """What stands, as a head says it."""
    if stands is None:
        return None
    return (stands["revision"]["epoch"], stands["revision"]["sequence"]), stands["hash"]


def needs(reader: Reader) -> dict:
    """What follows from the head that the reader holds."""
    head = reader.held["head"].content
    keys = reader.list_keys()
    fetch, conflicts = [], []

    def wanted(kind: str, said: dict | None, floor):
        stands = stated(said)
        if stands is None or (floor is not None and stands[0] < floor[0]):
            return None
        if floor is not None and stands[0] == floor[0]:
            if stands[1] != floor[1]:
                conflicts.append(kind)
            return None
        return stands

    def of_event(kind: str):
        held = reader.held.get(kind)
        event = held.content["event"] if held is not None and kind == "event-document" else reader.event
        return held if event == head["event"] else None

    bundle = reader.held["trust-bundle"]
    if stands := wanted("trust-bundle", head["bundle"], bundle.stands):
        if fingerprint(bundle.content) != head["roots"]:
            fetch.append(["trust-bundles-after", bundle.content["version"]])
        else:
            fetch.append(["trust-bundle", stands[1].hex()])
    assignment = reader.held.get("assignment")
    if stands := wanted("assignment", head["assignment"], assignment and assignment.floor(keys)):
        fetch.append(["assignment", stands[1].hex()])
    for kind, said, steps, snapshot in (
        ("slot-list", head["slots"], "slot-deltas", "slot-list"),
        ("admission-feed", head["feed"], "feed-batches", "feed-snapshot"),
    ):
        held = of_event(kind)
        floor = held and held.floor(keys)
        if stands := wanted(kind, said, floor):
            (epoch, sequence), name = stands
            if floor and floor == held.stands and floor[0][0] == epoch and sequence - floor[0][1] <= 32:
                fetch.append([steps, epoch, floor[0][1] + 1, sequence])
            else:
                fetch.append([snapshot, epoch, sequence, name.hex()])
    document = of_event("event-document")
    organisers = believed(bundle.content, ORGANISER, head["event"])
    if stands := wanted("event-document", head["document"], document and document.floor(organisers)):
        fetch.append(["event-document", stands[1].hex()])
    return {"fetch": fetch, "conflicts": conflicts}
