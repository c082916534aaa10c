// A green must never outlive the person it was for, nor the agent that gave it. What is shown follows from what was heard last and from
// how long ago that is, anew at each tick; nothing is left standing because a timer slept.

import { SILENT_AFTER, asked, listen, renew } from "./connection.js";
import { close, hearScans, hearStanding, menu } from "./menu.js";
import { counts, feedAge, listAge, notices, queue, strip } from "./notices.js";
import { draw } from "./regions.js";
import { allowSound, sound } from "./sound.js";
import { age, forgetTime, hearTime } from "./time.js";
import { NO_LANE, READY, STARTING, STOPPED, UNKNOWN, stoppedBy, verdictOf } from "./verdict.js";
import { isOneLane, made, speak } from "./words.js";

const TICK = 200;

const element = (id) => document.getElementById(id);
let heartbeat;
let heardAt = performance.now();
// By lane, so that no lane's verdict takes the place of another's.
const verdicts = new Map();
let told;

function hearVerdict(heard) {
  const now = performance.now();
  const verdict = verdictOf(heard, age(heard.announced, now, asked), now, heartbeat?.gate);
  if (!verdict) return;
  verdicts.set(heard.lane, verdict);
  sound(verdict.view.look);
  render();
}

function hearHeartbeat(heard) {
  // The agent was updated: so must its page be. It is there to give one.
  if (heartbeat && heartbeat.version !== heard.version) return location.reload();
  heartbeat = heard;
  heardAt = performance.now();
  hearTime(heard.uptime_milliseconds, heardAt);
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

function render() {
  const now = performance.now();
  const silent = now - heardAt >= SILENT_AFTER;
  for (const [lane, { until }] of verdicts) if (silent || now >= until) verdicts.delete(lane);
  // Nothing can be done, and nothing may seem to be.
  if (silent && !element("menu").hidden) close();
  document.body.dataset.look = silent ? "stopped" : "heard";
  draw(silent ? [STOPPED] : views());
  if (heartbeat) tell(heartbeat);
}

function views() {
  // Until the gate has said which lanes there are.
  if (!heartbeat) return [[...verdicts.values()].at(-1)?.view ?? STARTING];
  if (heartbeat.lanes.length === 0) return [NO_LANE];
  const isNamed = heartbeat.lanes.length > 1 || isOneLane;
  const open = heartbeat.log_in_warning ? UNKNOWN : READY;
  return heartbeat.lanes.map(({ lane, ready, stopped_by: why }) => {
    const standing = ready ? open : why ? stoppedBy(why) : STARTING;
    return { ...(verdicts.get(lane)?.view ?? standing), lane: isNamed ? lane : undefined };
  });
}

function tell(standing) {
  const said = notices(standing);
  // Beside a verdict only the gravest: what to do now comes first.
  const lines = verdicts.size === 0 || said.length < 2 ? said : [`${said[0]} (+${said.length - 1})`];
  const texts = { name: standing.name, list: listAge(standing), feed: feedAge(standing), queue: queue(standing.unsettled) };
  const next = JSON.stringify([texts, lines]);
  if (next === told) return;
  told = next;
  for (const [id, text] of Object.entries(texts)) element(id).textContent = text;
  element("notices").replaceChildren(...lines.map((line) => made("p", line)));
}

let lead = Date.now() - performance.now();
setInterval(() => {
  // The machine slept, or its clock was set: whoever stood here may be gone, and so may what is on its way.
  if (Math.abs(Date.now() - performance.now() - lead) > TICK * 5) {
    verdicts.clear();
    forgetTime();
    renew();
  }
  lead = Date.now() - performance.now();
  render();
}, TICK);
speak("en");
menu(element("menu"), element("open-menu"));
render();
listen({ heartbeat: hearHeartbeat, verdict: hearVerdict, journal: hearJournal });
