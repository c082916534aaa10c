// What staff do about a scan. Each takes two touches at least: one says what, the next that it is meant. A menu that nobody touches closes,
// and what was typed goes with it.

import { opener as finding } from "./find.js";
import { scanLine, sentence } from "./notices.js";
import { used } from "./verdict.js";
import { LANE, both, duration, first, isTablet, languages, made } from "./words.js";

const CLOSES_AFTER = 60000;

const DEEDS = {
  undo: { en: "Take back: nobody went through", fr: "Annuler : personne n'est passé" },
  overrule: { en: "Let in all the same (supervisor)", fr: "Laisser entrer quand même (superviseur)" },
  hold: { en: "Hold this ticket back here", fr: "Bloquer ce billet ici" },
  release: { en: "Hold it back no longer", fr: "Ne plus bloquer" },
  confirm: { en: "Not known: did anybody pass?", fr: "Inconnu : quelqu'un est-il passé ?" },
};
const REASONS = {
  identified: { en: "They showed who they are", fr: "Identité vérifiée" },
  unreadable: { en: "It cannot be read as it should", fr: "Code illisible" },
  "not-passed": { en: "Let in before, and did not pass", fr: "Admis avant, sans être passé" },
  "organisers-decision": { en: "The organiser wants it so", fr: "Décision de l'organisateur" },
  other: { en: "Something else", fr: "Autre" },
};
const DOCUMENTS = {
  "trust-bundle": { en: "keys", fr: "clés" },
  assignment: { en: "assignment", fr: "affectation" },
  "event-document": { en: "event", fr: "événement" },
  "slot-list": { en: "list", fr: "liste" },
  "admission-feed": { en: "other gates", fr: "autres portiques" },
  head: { en: "what is newest", fr: "dernier état publié" },
};
const SAY = {
  title: { en: "LAST SCANS", fr: "DERNIERS SCANS" },
  documents: { en: "AGE OF DOCUMENTS", fr: "ÂGE DES DOCUMENTS" },
  none: { en: "No scan yet.", fr: "Aucun scan." },
  close: { en: "CLOSE", fr: "FERMER" },
  back: { en: "BACK", fr: "RETOUR" },
  yes: { en: "YES", fr: "OUI" },
  passed: { en: "YES, somebody passed", fr: "OUI, quelqu'un est passé" },
  nobody: { en: "NO, nobody passed", fr: "NON, personne" },
  used: { en: "Used", fr: "Utilisé" },
  why: { en: "Why?", fr: "Pourquoi ?" },
  pin: { en: "Supervisor's PIN", fr: "Code PIN du superviseur" },
  remove: { en: "DELETE", fr: "CORRIGER" },
  type: { en: "Type a ticket", fr: "Saisir un billet" },
  all: { en: "everybody", fr: "tout le monde" },
  one: { en: "one person", fr: "une personne" },
  decide: { en: "DECIDE", fr: "DÉCIDER" },
  clock: { en: "Clock: is this date right?", fr: "Horloge : cette date est-elle juste ?" },
  confirm: { en: "YES, it is right", fr: "OUI, elle est juste" },
  dismiss: { en: "NO, the gate's clock is right", fr: "NON, l'horloge du portique est juste" },
  tablets: { en: "Tablets paired", fr: "Tablettes associées" },
  tablet: { en: "Let a tablet in", fr: "Associer une tablette" },
  code: { en: "Type this on the tablet, within two minutes", fr: "À saisir sur la tablette, dans les deux minutes" },
  compare: { en: "The tablet's certificate must have this SHA-256 fingerprint", fr: "Le certificat vu par la tablette doit avoir cette empreinte SHA-256" },
  off: { en: "gate.toml lets no tablets in.", fr: "gate.toml n'admet pas de tablette." },
  silent: { en: "The gate did not answer. Look whether it was done.", fr: "Le portique n'a pas répondu. Vérifiez si c'est fait." },
};

let panel;
let scans = [];
let standing = { lanes: [], ages: {} };
// Whoever has pressed a key has a keyboard; a box at an entrance has none, as a rule.
let hasKeyboard = isTablet;
let timer;
// Redraws what the journal changes; only the list does.
let redraw;

export function menu(element, opener) {
  panel = element;
  opener.addEventListener("click", () => {
    if (!panel.hidden) return close();
    stay();
    list();
  });
  for (const touch of ["pointerdown", "keydown"]) panel.addEventListener(touch, stay);
  document.addEventListener("keydown", () => (hasKeyboard = true), { once: true });
}

export function hearScans(recent) {
  scans = recent;
  redraw?.();
}

export const hearStanding = (heard) => (standing = heard);

export function close() {
  clearTimeout(timer);
  redraw = undefined;
  panel.hidden = true;
  panel.replaceChildren();
}

// For a touch, not for a scan: those come all evening.
function stay() {
  clearTimeout(timer);
  timer = setTimeout(close, CLOSES_AFTER);
}

export function show(...children) {
  redraw = undefined;
  panel.hidden = false;
  panel.replaceChildren(...children);
}

export function button(words, act, className = "") {
  const one = made("button", typeof words === "string" ? words : both(words), { type: "button", className });
  one.addEventListener("click", act);
  return one;
}

export const heading = (words) => made("h2", typeof words === "string" ? words : both(words));
export const back = (to) => button(SAY.back, to, "leaves");

export function list() {
  const severalLanes = new Set(scans.map(({ lane }) => lane)).size > 1;
  const rows = made("ul", "");
  rows.append(...scans.map((scan) => {
    const row = made("li", "");
    row.dataset.severity = scan.severity;
    row.append(button(inShort(scan, severalLanes), () => one(scan)));
    return row;
  }));
  show(
    button(SAY.close, close, "leaves"),
    heading(SAY.title),
    scans.length > 0 ? rows : made("p", both(SAY.none)),
    ...(standing.clock_waiting ? [button(SAY.clock, time)] : []),
    ...(hasKeyboard ? [button(SAY.type, type)] : []),
    ...standing.lanes.map(({ lane }) => button(eachScan(lane), () => persons(lane))),
    ...finding(standing),
    // At the gate itself alone.
    ...(isTablet ? [] : [button(SAY.tablet, tablet)]),
    ...(standing.tablets ? [made("p", `${both(SAY.tablets)} : ${standing.tablets.paired}`)] : []),
    heading(SAY.documents),
    made("p", Object.entries(standing.ages).map(([kind, age]) => `${both(DOCUMENTS[kind] ?? { en: kind, fr: kind })} : ${duration(age)}`).join("; ")),
  );
  redraw = list;
}

function inShort(scan, severalLanes) {
  const said = sentence(scan);
  return [scanLine(scan, severalLanes), said && first(said), scan.earlier && `${first(SAY.used)} ${used(scan, standing.gate)}`].filter(Boolean).join(" · ");
}

function one(scan) {
  const ask = { overrule: reason, confirm: passed };
  const byPin = (deed) => pin(about(scan, DEEDS[deed]), () => one(scan), (pin) => act(deed, { sequence: scan.sequence, pin }));
  const deeds = scan.may.map((deed) => button(DEEDS[deed], () => (ask[deed] ? ask[deed](scan) : scan.by_pin.includes(deed) ? byPin(deed) : sure(scan, deed))));
  show(back(list), ...headed(scan), ...deeds);
}

const about = (scan, words) => [...headed(scan), made("p", both(words))];

// Which scan, what was said of it, and when its seat was used.
function headed(scan) {
  const said = sentence(scan);
  return [
    heading(`${scan.sequence} · ${scanLine(scan, true)}`),
    ...(said ? languages().map((language) => made("p", said[language], { lang: language })) : []),
    ...(scan.earlier ? [made("p", `${both(SAY.used)} : ${used(scan, standing.gate)}`)] : []),
  ];
}

function sure(scan, deed) {
  show(
    ...about(scan, DEEDS[deed]),
    button(SAY.yes, () => act(deed, { sequence: scan.sequence }), "does"),
    back(() => one(scan)),
  );
}

function passed(scan) {
  const answer = (passed) => () => act("confirm", { sequence: scan.sequence, passed });
  show(...about(scan, DEEDS.confirm), button(SAY.nobody, answer(false)), button(SAY.passed, answer(true)), back(() => one(scan)));
}

export function reason(scan) {
  const overrule = (why) => (pin) => act("overrule", { sequence: scan.sequence, pin, why });
  const reasons = Object.entries(REASONS).map(([why, words]) => button(words, () => pin(about(scan, words), () => reason(scan), overrule(why))));
  show(...about(scan, SAY.why), ...reasons, back(() => one(scan)));
}

// Staff compare with a watch.
function time() {
  const answer = (word) => () => act("clock", { word });
  const [day, at] = new Date(standing.clock_waiting).toISOString().slice(0, 16).split("T");
  const asked = { en: `Is it ${day} ${at} (UTC, not local time), or later?`, fr: `Sommes-nous le ${day} à ${at} (UTC, pas l'heure locale), ou plus tard ?` };
  show(heading(SAY.clock), made("p", both(asked)), button(SAY.dismiss, answer("dismiss")), button(SAY.confirm, answer("confirm")), back(list));
}

// In memory for as long as this is shown, and nowhere on the page.
function pin(about, to, then) {
  let digits = "";
  const dots = made("output", "", { ariaLabel: both(SAY.pin) });
  const typed = (next) => {
    digits = next.slice(0, 12);
    dots.textContent = "•".repeat(digits.length);
  };
  const digit = (digit) => button(digit, () => typed(digits + digit));
  const ok = button("OK", () => {
    const sent = digits;
    digits = "";
    then(sent);
  }, "does");
  const pad = keys("digits", ...[..."123456789"].map(digit), removes(() => typed(digits.slice(0, -1))), digit("0"), ok);
  show(...about, made("p", both(SAY.pin)), dots, pad, back(to));
}

// What is typed by touch, where there may be no keyboard.
export function keys(which, ...buttons) {
  const pad = made("div", "", { className: `keys ${which}` });
  pad.append(...buttons);
  return pad;
}

export const removes = (last) => button(first(SAY.remove), last, "removes");

const eachScan = (lane) => ({ en: `Lane ${lane}: each scan lets through…`, fr: `Couloir ${lane} : chaque scan laisse passer…` });

function persons(lane) {
  const choose = (persons) => button(SAY[persons], () => act("persons", { lane, persons }));
  show(heading(eachScan(lane)), choose("all"), choose("one"), back(list));
}

function type() {
  const text = made("textarea", "", { rows: 5, autocomplete: "off", spellcheck: false, ariaLabel: both(SAY.type) });
  const lane = lanes();
  const decide = () => {
    const typed = text.value.trim();
    if (typed) act("enter", { lane: Number(lane.value), text: typed });
  };
  show(heading(SAY.type), lane, text, button(SAY.decide, decide, "does"), back(list));
  text.focus();
}

export function lanes() {
  const lane = made("select", "", { ariaLabel: both(LANE) });
  lane.append(...standing.lanes.map(({ lane: one }) => made("option", `${both(LANE)} ${one}`, { value: one })));
  return lane;
}

function tablet() {
  if (standing.tablets?.by_pin) pin([heading(SAY.tablet)], list, (pin) => invite({ pin }));
  else invite({});
}

async function invite(by) {
  const answer = await ask("/tablets/invite", by);
  if (answer?.status === 404) return told(SAY.off);
  if (answer?.status === 409) return told(await answer.json());
  if (!answer?.ok) return told(SAY.silent);
  const { code, address, fingerprint } = await answer.json();
  show(
    back(list),
    made("p", address),
    made("p", both(SAY.code)),
    made("output", code, { className: "code" }),
    made("p", both(SAY.compare)),
    made("output", fingerprint, { className: "fingerprint" }),
  );
}

async function act(deed, what) {
  show(made("p", "…"));
  const answer = await ask(`/acts/${deed}`, what);
  const said = answer && [200, 409].includes(answer.status) ? await answer.json() : undefined;
  told(said?.sentence ?? said);
}

export function told(sentence = SAY.silent) {
  show(...languages().map((language) => made("p", sentence[language], { lang: language })), back(list));
}

export const ask = (path, what) => fetch(path, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(what),
}).catch(() => undefined);
