// What makes the gate less than whole, from the gravest on, and the journal's last scans and counts.

import { LANE, WORDS, both, clock, duration, first, made } from "./words.js";

const SCANS = 6;
// With their lanes, so that they take no height from the verdicts.
const SCANS_OF_LANES = 3;
const TAKEN_BACK = { en: "TAKEN BACK", fr: "ANNULÉ" };
const isTakenBack = ({ severity, persons }) => persons === 0 && ["admit", "attention"].includes(severity);

export function notices({ ready, one_by_one: oneByOne, offline, refused, conflicts, contested, device_warnings: devices, ledger_warnings: ledger, trust_warning: trust, clock_warning: time, lease_warning: lease, certificate_warning: certificate, log_in_warning: logIn, list_old: listOld, feed_old_seconds: feedOld, list_age_seconds: age }) {
  return [
    ...ledger,
    lease,
    logIn,
    time,
    certificate,
    ...devices,
    refused.length > 0 && { en: `DOCUMENTS REFUSED, call staff: ${refused.join(", ")}`, fr: `DOCUMENTS REFUSÉS, appelez un responsable : ${refused.join(", ")}` },
    conflicts.length > 0 && { en: `TWO DIFFERENT DOCUMENTS, tell the administrator: ${conflicts.join(", ")}`, fr: `DEUX DOCUMENTS DIFFÉRENTS, prévenez l'administrateur : ${conflicts.join(", ")}` },
    offline && (ready ? { en: "OFFLINE: go on, scans are kept", fr: "HORS LIGNE : continuez, tout est gardé" } : { en: "OFFLINE: connect this gate", fr: "HORS LIGNE : connectez ce portique" }),
    trust,
    listOld && { en: `LIST ${duration(age)} OLD: go on`, fr: `LISTE ANCIENNE DE ${duration(age)} : continuez` },
    feedOld && { en: `OTHER GATES NOT HEARD FOR ${duration(feedOld)}: go on`, fr: `SANS NOUVELLES DES AUTRES ENTRÉES DEPUIS ${duration(feedOld)} : continuez` },
    ...oneByOne,
    contested > 0 && { en: `ROWS IN DISPUTE, tell the administrator: ${contested}`, fr: `LIGNES CONTESTÉES, prévenez l'administrateur : ${contested}` },
  ].filter(Boolean).map(both);
}

// As old as the newest word that they are the newest.
export const listAge = ({ ages }) => aged(ages["slot-list"], { en: "list", fr: "liste" }, { en: "no list", fr: "aucune liste" });
export const feedAge = ({ ages }) => aged(ages["admission-feed"], { en: "other gates", fr: "autres portiques" }, { en: "no word of other gates", fr: "autres portiques inconnus" });
const aged = (age, words, none) => (age === undefined ? both(none) : `${both(words)} : ${duration(age)}`);
export const queue = (unsettled) => `${both({ en: "to upload", fr: "à envoyer" })} : ${unsettled}`;

export const counts = ({ entered, left, refused }) => [
  [{ en: "IN", fr: "ENTRÉS" }, entered],
  [{ en: "OUT", fr: "SORTIS" }, left],
  [{ en: "TURNED AWAY", fr: "REFUSÉS" }, refused],
].map(([words, count]) => `${both(words)} ${count}`);

// One scan in one line, as the strip and the menu show it.
export function scanLine(scan, severalLanes) {
  const { at, lane, severity, persons } = scan;
  const word = isTakenBack(scan) ? TAKEN_BACK : WORDS[severity];
  const where = severalLanes ? `${both(LANE)} ${lane}` : "";
  return [clock(new Date(at)), first(word), persons > 1 ? `× ${persons}` : "", where].filter(Boolean).join("  ");
}

// What was said of a scan, but for who passed as everybody does.
export const sentence = (scan) => (scan.severity === "admit" || isTakenBack(scan) ? undefined : scan.sentence);

export function strip(scans) {
  const severalLanes = new Set(scans.map(({ lane }) => lane)).size > 1;
  return scans.slice(0, severalLanes ? SCANS_OF_LANES : SCANS).map((scan) => {
    const item = made("li", scanLine(scan, severalLanes));
    item.dataset.severity = scan.severity;
    return item;
  });
}
