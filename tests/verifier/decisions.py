"""The decision, from the specification's section "Order of the checks" alone."""

from datetime import datetime, timezone

FAR = float("inf")
PROOF_LEAD = 5_000
BUNDLE_GRACE = 7 * 24 * 3600 * 1000
TELLS_TIME = {"signed", "battery"}
OPENS = {
    "forgiven", "newer-than-list", "no-list", "list-old", "clock-unset", "bundle-expired", "exit-without-entry", "exit",
    "admitted",
}
# The table's order from 11 on, and 5, which is also found here.
ORDER = """
    other-event live-proof-stale outdated-generation not-yet-valid no-longer-valid wrong-zone revoked already-inside already-used
    places-used-up entries-used-up entries-today-used-up pass-back suspended lease-ended live-proof-missing
    live-proof-from-the-future product-unknown not-issued blocked exit-missing interrupted used-elsewhere others-unreachable
    check-id clock-unsure list-too-old bundle-too-old forgiven newer-than-list no-list list-old clock-unset bundle-expired
    exit-without-entry exit admitted
""".split()


def mismatches(content: dict):
    """Each case of a file that ends otherwise than it says: its name, what is expected, what was found."""
    for case in content["cases"]:
        found = decide(case)
        if found != case["expected"]:
            yield case["name"], case["expected"], found


def millis(instant: str) -> int:
    """An RFC 3339 instant in UTC as milliseconds since 1970."""
    moment = datetime.fromisoformat(instant.replace("Z", "+00:00"))
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000


def whole_second(instant: str) -> int:
    return millis(instant) // 1000 * 1000


def first(reasons) -> str:
    return min(reasons, key=ORDER.index)


class Scan:
    """One case, with what many rules need."""

    def __init__(self, case: dict):
        self.ticket, self.event, self.facts = case["ticket"], case["event"], case["facts"]
        self.lane, self.lease = case["lane"], case["lease"]
        self.bundle_end = millis(case["bundle_not_after"])
        self.now = millis(case["clock"]["now"])
        self.error = case["clock"]["error_milliseconds"]
        self.tells_time = case["clock"]["state"] in TELLS_TIME
        self.product = next((p for p in self.event["products"] if p["product"] == self.ticket["product"]), None)
        self.policy = (self.product or {}).get("policy") or self.event["policy"]
        kind = "live" if self.ticket["live"] else "static"
        self.ages = self.policy[f"list_age_{kind}"]
        self.resets = [millis(reset) for reset in self.event["resets"]]
        self.places = self.ticket["places"]
        self.entries = self.ticket["entries"] or self.policy["entries"]


def decide(case: dict) -> dict:
    scan = Scan(case)
    certain, supposed, heard = others(scan)
    own = scan.facts["own"]
    proof = about_proof(scan)
    if scan.lane["direction"] == "exit":
        inside = min(inside_of(add(own, supposed)), scan.places)
        reason, room = ("exit", inside) if inside else ("exit-without-entry", scan.places)
    else:
        hindered, room = counted(scan, certain, supposed)
        reasons = {"admitted"} | proof | hindered | about_ticket(scan) | about_list(scan) | about_gate(scan, heard)
        reason = first(reasons)
    persons = 0
    if reason in OPENS:
        persons = 1 if scan.facts["wanted"] == "one" and reason != "forgiven" else room
    entering = reason in OPENS and scan.lane["direction"] == "entry"
    return {
        "reason": reason,
        "persons": persons,
        "remaining": room - persons if entering else 0,
        "earlier": add(own, supposed)["last_entry"],
        "remembers": not proof,
    }


def about_proof(scan: Scan) -> set:
    live = scan.ticket["live"]
    if not live:
        return set()
    if live["proof"] is None:
        return {"live-proof-missing"}
    lead, window = millis(live["proof"]) - scan.now, live["window_seconds"] * 1000
    if -lead > window + (scan.error if scan.tells_time else 0):
        return {"live-proof-stale"}
    if not scan.tells_time:
        return {"clock-unsure"}
    if lead > PROOF_LEAD + scan.error:
        return {"live-proof-from-the-future"}
    return {"clock-unsure"} if -lead > window or lead > PROOF_LEAD else set()


def about_ticket(scan: Scan) -> set:
    ticket, facts = scan.ticket, scan.facts
    reasons = set()
    if ticket["event"] != scan.event["event"]:
        reasons.add("other-event")
    listed = facts["listing"]["least_generation"] if facts["listing"] else 0
    if ticket["generation"] < max(listed, facts["highest_proved"] or 0):
        reasons.add("outdated-generation")
    moved = scan.product and scan.product["moved"]
    start, end = (moved["from"], moved["until"]) if moved else (ticket["valid_from"], ticket["valid_until"])
    start = whole_second(start) - scan.policy["tolerance_before_seconds"] * 1000
    end = whole_second(end) + scan.policy["tolerance_after_seconds"] * 1000
    if scan.now >= end:
        reasons.add("no-longer-valid")
    elif scan.now < start:
        reasons.add("not-yet-valid" if scan.tells_time else "clock-unsure")
    elif not scan.tells_time:
        reasons.add("clock-unset")
    if not ticket["zones"] & scan.lane["zones"]:
        reasons.add("wrong-zone")
    if scan.product is None:
        reasons.add("product-unknown")
    if ticket["check_id"] and facts["sealed_part"] != "opened":
        reasons.add("check-id")
    return reasons


def about_list(scan: Scan) -> set:
    listing, must = scan.facts["listing"], scan.ticket["must_be_listed"]
    age = listing["age_milliseconds"] if listing else FAR
    reasons = set()
    if listing is None:
        reasons.add("not-issued" if must else "no-list")
    elif listing["state"] in ("revoked", "blocked"):
        reasons.add(listing["state"])
    elif listing["state"] == "not-issued":
        reasons.add("not-issued" if must or (scan.tells_time and fresh(scan, age)) else "newer-than-list")
    staff = scan.ages.get("staff_after_seconds")
    if staff is not None and age > staff * 1000:
        reasons.add("list-too-old")
    elif age > scan.ages["attention_after_seconds"] * 1000:
        reasons.add("list-old")
    return reasons


def about_gate(scan: Scan, heard: bool) -> set:
    reasons = set()
    if scan.lease in ("ended", "suspended"):
        reasons.add({"ended": "lease-ended", "suspended": "suspended"}[scan.lease])
    if scan.now >= scan.bundle_end + BUNDLE_GRACE:
        reasons.add("bundle-too-old")
    elif scan.now >= scan.bundle_end:
        reasons.add("bundle-expired")
    if claim(scan)[0] == "refused":
        reasons.add("used-elsewhere")
    if scan.policy["alone"] == "staff" and not heard:
        reasons.add("others-unreachable")
    return reasons


def fresh(scan: Scan, age) -> bool:
    return age <= scan.ages["warn_after_seconds"] * 1000


NOBODY = {"admitted": 0, "admitted_since_reset": 0, "left": 0, "last_entry": None, "last_exit": None}


def claim(scan: Scan):
    """The venue's answer and the passages that came with it."""
    said = scan.facts["claim"]
    return (said, None) if isinstance(said, str) else next(iter(said.items()))


def others(scan: Scan):
    """What passed elsewhere for certain, by all that is said, and whether the others were heard."""
    answer, passages = claim(scan)
    feed = scan.facts["feed"]
    if passages is not None:
        told = feed["passages"] if feed and not feed["contested"] else NOBODY
        return passages, greater(passages, told), True
    if feed is None:
        return NOBODY, NOBODY, False
    said = feed["passages"]
    if feed["contested"]:
        return NOBODY, said, False
    if scan.tells_time and fresh(scan, feed["age_milliseconds"]):
        return said, said, answer == "not-asked"
    net = {**NOBODY, "left": max(0, said["left"] - said["admitted"]), "last_exit": said["last_exit"]}
    return net, said, False


def add(one: dict, other: dict) -> dict:
    entries = [count["last_entry"] for count in (one, other) if count["last_entry"]]
    exits = [count["last_exit"] for count in (one, other) if count["last_exit"]]
    return {
        "admitted": one["admitted"] + other["admitted"],
        "admitted_since_reset": one["admitted_since_reset"] + other["admitted_since_reset"],
        "left": one["left"] + other["left"],
        "last_entry": max(entries, key=lambda entry: millis(entry["at"]), default=None),
        "last_exit": max(exits, key=millis, default=None),
    }


def greater(one: dict, other: dict) -> dict:
    together = add(one, other)
    return {**together, **{name: max(one[name], other[name]) for name in ("admitted", "admitted_since_reset", "left")}}


def inside_of(count: dict) -> int:
    return max(0, count["admitted"] - count["left"])


def counted(scan: Scan, certain: dict, supposed: dict):
    """What the counts say, and the room they leave."""
    own, unfinished = scan.facts["own"], scan.facts["unfinished"]
    reasons, room = by_both(scan, own, certain, supposed)
    if not reasons or not unfinished:
        return reasons, room
    at, persons = millis(unfinished["at"]), unfinished["persons"]
    passed = [reset for reset in scan.resets if reset <= scan.now]
    running = not passed or at >= passed[-1]
    last = own["last_entry"]
    otherwise = {
        **own,
        "admitted": max(0, own["admitted"] - persons),
        "admitted_since_reset": max(0, own["admitted_since_reset"] - (persons if running else 0)),
        "last_entry": None if last and millis(last["at"]) == at else last,
    }
    still, then = by_both(scan, otherwise, certain, supposed)
    if still:
        return reasons, room
    if unfinished["turn"] == "not-turned":
        return {"forgiven"}, min(then, persons)
    return {"interrupted"}, 0


def by_both(scan: Scan, own: dict, certain: dict, supposed: dict):
    sure, sure_room = by(scan, add(own, certain))
    said, said_room = by(scan, add(own, supposed))
    room = min(sure_room, said_room)
    if sure is None:
        return ({"used-elsewhere"} if said else set()), room
    return {"exit-missing" if sure == "already-inside" and said is None else sure}, room


def by(scan: Scan, count: dict):
    """What one count says: the first limit without room, and the room."""
    limits = []
    if scan.entries:
        used = "entries-used-up" if scan.entries > 1 else "already-used" if scan.places == 1 else "places-used-up"
        limits.append((scan.places * scan.entries - count["admitted"], used))
    between = scan.policy["entries_between_resets"]
    if between:
        known = scan.tells_time or all(reset <= scan.now for reset in scan.resets)
        left = scan.places * between - count["admitted_since_reset"]
        limits.append((left, "entries-today-used-up" if known else "clock-unsure"))
    entry = count["last_entry"] and millis(count["last_entry"]["at"])
    if scan.policy["exit_before_reentry"] and scan.entries != 1:
        doubt = entry is not None and (
            any(reset > entry and (reset <= scan.now or not scan.tells_time) for reset in scan.resets)
            or (count["last_exit"] is not None and millis(count["last_exit"]) > entry)
        )
        inside = inside_of(count)
        if any(reset <= scan.now for reset in scan.resets):
            inside = min(inside, count["admitted_since_reset"])
        limits.append((scan.places - inside, "exit-missing" if doubt else "already-inside"))
    if entry is not None and max(0, scan.now - entry) < scan.policy["pass_back_seconds"] * 1000:
        since = count["last_exit"] is not None and millis(count["last_exit"]) > entry
        passed = count["admitted"] if since else inside_of(count)
        limits.append((scan.places - passed, "pass-back" if scan.tells_time else "clock-unsure"))
    without = [reason for room, reason in limits if room <= 0]
    room = max(0, min([scan.places, *(room for room, _ in limits)]))
    return (first(without) if without else None), room
