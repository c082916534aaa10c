"use strict";

// A green must never outlive the person it was for, nor the agent that gave it. What is shown follows from what was heard last and from
// how long ago that is, anew at each tick; nothing is left standing because a timer slept.
const TICK = 200;
const SILENT_AFTER = 3000;
const RECONNECT_AFTER = 500;
const GREEN_LASTS = 2500;
const OTHERS_LAST = 6000;
// An admission that comes too late to show is still told of, so that nobody is sent away as "already used". Later than this, nobody waits.
const LATE_UNTIL = 60000;

const WORDS = {
  admit: ["PASS", "PASSEZ"],
  attention: ["PASS, LOOK", "PASSEZ, VOYEZ"],
  staff: ["CALL STAFF", "RESPONSABLE"],
  refuse: ["STOP", ""],
  fraud: ["FRAUD: STOP", "FRAUDE : STOP"],
};
const LATE = { en: "Admitted, but the answer came late. Whose ticket was it?", fr: "Admis, mais réponse tardive. À qui était le billet ?" };
const UNCLEAR = { en: "The gate cannot decide.", fr: "Le portique ne peut pas décider." };
const READY = { look: "ready", words: ["READY", "PRÊT"], sentence: { en: "Show a ticket.", fr: "Présentez un billet." } };
const STARTING = { look: "starting", words: ["NOT READY", "PAS PRÊT"], sentence: { en: "Waiting for this lane's documents. Admit nobody.", fr: "En attente des documents de ce passage. N'admettez personne." } };
const STOPPED = { look: "stopped", words: ["AGENT STOPPED", "AGENT ARRÊTÉ"], sentence: { en: "Admit nobody by this screen. Call staff.", fr: "N'admettez personne d'après cet écran. Appelez un responsable." } };

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
  render();
}

function hearHeartbeat(heard) {
  // The agent was updated: so must its page be. It is there to give one.
  if (heartbeat && heartbeat.version !== heard.version) return location.reload();
  heartbeat = heard;
  heardAt = performance.now();
  render();
}

function view() {
  const now = performance.now();
  if (now - heardAt >= SILENT_AFTER) verdict = undefined;
  if (verdict && now >= verdict.until) verdict = undefined;
  if (now - heardAt >= SILENT_AFTER) return STOPPED;
  const waiting = heartbeat?.stopped_by ? { ...STARTING, sentence: heartbeat.stopped_by } : STARTING;
  return verdict?.view ?? (heartbeat?.ready ? READY : waiting);
}

function render() {
  const { look, words: [word, mot], sentence, detail = "", holder = "" } = view();
  const texts = { word, mot, detail, holder, english: sentence.en, french: sentence.fr };
  if (heartbeat) {
    const age = heartbeat.list_age_seconds;
    texts.name = heartbeat.name;
    texts.list = age === null ? "no list · aucune liste" : `list · liste : ${duration(age)}`;
    texts.queue = `to upload · à envoyer : ${heartbeat.unsettled}`;
    texts.notices = told(notices(heartbeat)).join("\n");
  }
  const next = JSON.stringify([look, texts]);
  if (next === shown) return;
  shown = next;
  if (document.body.dataset.look !== look) document.body.dataset.look = look;
  for (const [id, text] of Object.entries(texts)) {
    if (id === "notices") element(id).replaceChildren(...text.split("\n").filter(Boolean).map(paragraph));
    else if (element(id).textContent !== text) element(id).textContent = text;
  }
}

function paragraph(text) {
  const paragraph = document.createElement("p");
  paragraph.textContent = text;
  return paragraph;
}

// Beside a verdict only the gravest: what to do now comes first.
function told(notices) {
  if (!verdict || notices.length < 2) return notices;
  return [`${notices[0]} (+${notices.length - 1})`];
}

function notices({ offline, refused, conflicts, contested, device_warnings: devices, ledger_warnings: ledger, trust_warning: trust, clock_warning: clock, lease_warning: lease, certificate_warning: certificate, list_old: listOld, list_age_seconds: age, feed_old_seconds: feedOld }) {
  return [
    ...ledger.map(({ en, fr }) => `${en} · ${fr}`),
    lease && `${lease.en} · ${lease.fr}`,
    clock && `${clock.en} · ${clock.fr}`,
    certificate && `${certificate.en} · ${certificate.fr}`,
    ...devices.map(({ en, fr }) => `${en} · ${fr}`),
    refused.length > 0 && `DOCUMENTS REFUSED, call staff · DOCUMENTS REFUSÉS, appelez un responsable : ${refused.join(", ")}`,
    conflicts.length > 0 && `TWO DIFFERENT DOCUMENTS, tell the administrator · DEUX DOCUMENTS DIFFÉRENTS, prévenez l'administrateur : ${conflicts.join(", ")}`,
    offline && "OFFLINE: go on, scans are kept · HORS LIGNE : continuez, tout est gardé",
    trust && `${trust.en} · ${trust.fr}`,
    listOld && `LIST ${duration(age)} OLD: go on · LISTE ANCIENNE DE ${duration(age)} : continuez`,
    feedOld && `OTHER GATES NOT HEARD FOR ${duration(feedOld)}: go on · SANS NOUVELLES DES AUTRES ENTRÉES DEPUIS ${duration(feedOld)} : continuez`,
    contested > 0 && `ROWS IN DISPUTE, tell the administrator · LIGNES CONTESTÉES, prévenez l'administrateur : ${contested}`,
  ].filter(Boolean);
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

const clock = (at) => at.toLocaleTimeString("sv");

function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

// Anew after each break: a browser's own way of reconnecting takes seconds, and ends for good after some answers.
function connect() {
  const events = new EventSource("/events" + location.search);
  events.addEventListener("heartbeat", (event) => hearHeartbeat(JSON.parse(event.data)));
  events.addEventListener("verdict", (event) => hearVerdict(JSON.parse(event.data)));
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
render();
connect();
