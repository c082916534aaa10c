// A green must never outlive the person it was for, nor the agent that gave it. What is shown follows from what was heard last and from
// how long ago that is, anew at each tick; nothing is left standing because a timer slept.

import { counts, listAge, notices, queue, strip } from "./notices.js";
import { close, hearScans, hearStanding, menu } from "./menu.js";
import { allowSound, sound } from "./sound.js";
import { WORDS, clock, duration, languages, made, speak } from "./words.js";

const TICK = 200;
const SILENT_AFTER = 3000;
const RECONNECT_AFTER = 500;
const GREEN_LASTS = 2500;
const OTHERS_LAST = 6000;
// An admission that comes too late to show is still told of, so that nobody is sent away as "already used". Later than this, nobody waits.
const LATE_UNTIL = 60000;

const LATE = { en: "Admitted, but the answer came late. Whose ticket was it?", fr: "Admis, mais réponse tardive. À qui était le billet ?" };
const UNCLEAR = { en: "The gate cannot decide.", fr: "Le portique ne peut pas décider." };
const READY = { look: "ready", words: { en: "READY", fr: "PRÊT" }, sentence: { en: "Show a ticket.", fr: "Présentez un billet." } };
const STARTING = { look: "starting", words: { en: "NOT READY", fr: "PAS PRÊT" }, sentence: { en: "Waiting for this lane's documents. Admit nobody.", fr: "En attente des documents de ce passage. N'admettez personne." } };
const STOPPED = { look: "stopped", words: { en: "AGENT STOPPED", fr: "AGENT ARRÊTÉ" }, sentence: { en: "Admit nobody by this screen. Call staff.", fr: "N'admettez personne d'après cet écran. Appelez un responsable." } };

const element = (id) => document.getElementById(id);
let heartbeat;
let heardAt = performance.now();
let verdict; // { view, until }
let shown;

function hearVerdict(heard) {
  const opens = heard.opens && heard.sequence !== null;
  const known = heard.severity in WORDS && (opens || !["admit", "attention"].includes(heard.severity));
  const lasts = opens && known ? GREEN_LASTS : OTHERS_LAST;
  // By this machine's own clock on both sides: the gate's may be another.
  const age = Math.max(0, Date.now() - Date.parse(heard.announced));
  if (age < lasts) {
    const view = known
      ? { look: heard.severity, words: WORDS[heard.severity], sentence: heard.sentence, detail: detail(heard), holder: holder(heard) }
      : { look: "staff", words: WORDS.staff, sentence: UNCLEAR };
    verdict = { view, until: performance.now() + lasts - age };
  } else if (opens && age < LATE_UNTIL) {
    verdict = { view: { look: "staff", words: WORDS.staff, sentence: LATE, detail: clock(new Date(heard.at)) }, until: performance.now() + OTHERS_LAST };
  } else {
    return;
  }
  sound(verdict.view.look);
  render();
}

function hearHeartbeat(heard) {
  // The agent was updated: so must its page be. It is there to give one.
  if (heartbeat && heartbeat.version !== heard.version) return location.reload();
  heartbeat = heard;
  heardAt = performance.now();
  speak(heard.language);
  hearStanding(heard);
  allowSound(element("allow-sound"), heard.quiet);
  render();
}

function hearJournal({ tally, recent }) {
  element("counts").replaceChildren(...counts(tally).map((text) => made("li", text)));
  element("recent").replaceChildren(...strip(recent));
  hearScans(recent);
}

function view() {
  const now = performance.now();
  if (now - heardAt >= SILENT_AFTER) verdict = undefined;
  if (verdict && now >= verdict.until) verdict = undefined;
  if (now - heardAt >= SILENT_AFTER) {
    // Nothing can be done, and nothing may seem to be.
    if (!element("menu").hidden) close();
    return STOPPED;
  }
  const waiting = heartbeat?.stopped_by ? { ...STARTING, sentence: heartbeat.stopped_by } : STARTING;
  return verdict?.view ?? (heartbeat?.ready ? READY : waiting);
}

function render() {
  const { look, words, sentence, detail = "", holder = "" } = view();
  const [one, other] = languages();
  const texts = {
    word: words[one],
    // Said once where it is the same.
    "other-word": words[other] === words[one] ? "" : words[other],
    detail,
    holder,
    sentence: sentence[one],
    "other-sentence": sentence[other],
  };
  if (heartbeat) {
    texts.name = heartbeat.name;
    texts.list = listAge(heartbeat.list_age_seconds);
    texts.queue = queue(heartbeat.unsettled);
    texts.notices = told(notices(heartbeat)).join("\n");
  }
  const next = JSON.stringify([look, one, texts]);
  if (next === shown) return;
  shown = next;
  if (document.body.dataset.look !== look) document.body.dataset.look = look;
  for (const id of ["word", "sentence"]) element(id).lang = one;
  for (const id of ["other-word", "other-sentence"]) element(id).lang = other;
  for (const [id, text] of Object.entries(texts)) {
    if (id === "notices") element(id).replaceChildren(...text.split("\n").filter(Boolean).map((line) => made("p", line)));
    else if (element(id).textContent !== text) element(id).textContent = text;
  }
}

// Beside a verdict only the gravest: what to do now comes first.
function told(notices) {
  if (!verdict || notices.length < 2) return notices;
  return [`${notices[0]} (+${notices.length - 1})`];
}

function detail({ at: now, persons, remaining, earlier }) {
  const more = remaining > 0 ? ` · ${remaining} MORE · ENCORE ${remaining}` : "";
  if (persons > 0) return `${persons} PERS.${more}`; // the same in both languages
  if (!earlier) return "";
  const at = new Date(earlier);
  const day = at.toDateString() === new Date(now).toDateString() ? "" : `${at.toLocaleDateString("sv")} `; // ISO 8601, no month before the day
  return `${day}${clock(at)} (${duration(Math.max(0, Math.floor((new Date(now) - at) / 1000)))})`;
}

// Gone with the verdict: nothing else keeps it.
const holder = ({ holder }) => (holder ? [holder.name, holder.seat].filter(Boolean).join(" · ") : "");

// Anew after each break: a browser's own way of reconnecting takes seconds, and ends for good after some answers.
function connect() {
  const events = new EventSource("/events" + location.search);
  events.addEventListener("heartbeat", (event) => hearHeartbeat(JSON.parse(event.data)));
  events.addEventListener("verdict", (event) => hearVerdict(JSON.parse(event.data)));
  events.addEventListener("journal", (event) => hearJournal(JSON.parse(event.data)));
  events.addEventListener("error", () => {
    events.close();
    setTimeout(connect, RECONNECT_AFTER);
  });
}

let lead = Date.now() - performance.now();
setInterval(() => {
  // The machine slept, or its clock was set: whoever stood here may be gone.
  if (Math.abs(Date.now() - performance.now() - lead) > TICK * 5) verdict = undefined;
  lead = Date.now() - performance.now();
  render();
}, TICK);
speak("en");
menu(element("menu"), element("open-menu"));
render();
connect();
