// How a verdict looks, and for how long: a green must never outlive the person it was for.

import { LANE, WORDS, both, clock, duration } from "./words.js";

const GREEN_LASTS = 2500;
const OTHERS_LAST = 6000;
// An admission that comes too late to show is still told of, so that nobody is sent away as "already used". Later than this, nobody waits.
const LATE_UNTIL = 60000;

const LATE = { en: "Admitted, but the answer came late. Whose ticket was it?", fr: "Admis, mais réponse tardive. À qui était le billet ?" };
const UNCLEAR = { en: "The gate cannot decide.", fr: "Le portique ne peut pas décider." };

export const READY = { look: "ready", words: { en: "READY", fr: "PRÊT" }, sentence: { en: "Show a ticket.", fr: "Présentez un billet." } };
const NOT_READY = { look: "starting", words: { en: "NOT READY", fr: "PAS PRÊT" } };
export const STARTING = { ...NOT_READY, sentence: { en: "Waiting for this lane's documents. Admit nobody.", fr: "En attente des documents de ce couloir. N'admettez personne." } };
export const STOPPED = { look: "stopped", words: { en: "AGENT STOPPED", fr: "AGENT ARRÊTÉ" }, sentence: { en: "Admit nobody by this screen. Call staff.", fr: "N'admettez personne d'après cet écran. Appelez un responsable." } };
export const NO_LANE = { ...NOT_READY, sentence: { en: `Nobody is scanned at this ${LANE.en}. Look at this page's address.`, fr: `Personne n'est scanné à ce ${LANE.fr}. Vérifiez l'adresse de cette page.` } };
export const stoppedBy = (sentence) => ({ ...NOT_READY, sentence });
// Tickets are decided all the same: who stands there need not have another entrance.
export const UNKNOWN = { look: "starting", words: { en: "UNKNOWN GATE", fr: "PORTIQUE INCONNU" }, sentence: { en: "The cloud does not know this gate. Send people to another entrance.", fr: "Le serveur ne connaît pas ce portique. Orientez vers une autre entrée." } };

// Of a verdict of this gate that is so old: its view, and until when. None where nobody waits for it any more.
export function verdictOf(heard, age, now, gate) {
  const opens = heard.opens && heard.sequence !== null;
  const known = heard.severity in WORDS && (opens || !["admit", "attention"].includes(heard.severity));
  const lasts = opens && known ? GREEN_LASTS : OTHERS_LAST;
  if (age < lasts) {
    const view = known
      ? { look: heard.severity, words: WORDS[heard.severity], sentence: heard.sentence, detail: detail(heard, gate), holder: holder(heard) }
      : { look: "staff", words: WORDS.staff, sentence: UNCLEAR };
    return { view, until: now + lasts - age };
  }
  if (!opens || age >= LATE_UNTIL) return undefined;
  return { view: { look: "staff", words: WORDS.staff, sentence: LATE, detail: clock(new Date(heard.at)) }, until: now + OTHERS_LAST };
}

function detail(heard, here) {
  const { persons, remaining } = heard;
  const more = remaining > 0 ? ` · ${both({ en: `${remaining} MORE`, fr: `ENCORE ${remaining}` })}` : "";
  return persons > 0 ? `${persons} PERS.${more}` : used(heard, here); // the same in both languages
}

// When the seat was let in, how long before a scan of it, and by which other gate; nothing where that is not known.
export function used({ at: now, earlier, earlier_gate: gate }, here) {
  if (!earlier) return "";
  const at = new Date(earlier);
  const day = at.toDateString() === new Date(now).toDateString() ? "" : `${at.toLocaleDateString("sv")} `; // ISO 8601, no month before the day
  const where = gate === null || gate === here ? "" : ` · ${both({ en: `GATE\u00a0${gate}`, fr: `PORTIQUE\u00a0${gate}` })}`;
  const before = Math.floor((new Date(now) - at) / 1000);
  return `${day}${clock(at)}${before < 0 ? "" : ` (${duration(before)})`}${where}`;
}

// Gone with the verdict: nothing else keeps it.
const holder = ({ holder }) => (holder ? [holder.name, holder.seat].filter(Boolean).join(" · ") : "");
