// The way to the gate. One that brings nothing may be open for hours, where the Wi-Fi was lost on the way; so it is ended and begun anew, by this
// page rather than by the browser, whose own way of reconnecting takes seconds, and ends for good after some answers.

// The gate says something every second.
export const SILENT_AFTER = 3000;
const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 4000;

let hearers;
let events;
let silence;
let again;
let pause = FIRST_PAUSE;
// When the connection was asked for.
export let asked = performance.now();

// Each hearer has the name of what it hears.
export function listen(to) {
  hearers = to;
  open();
}

// What was held up on the way goes with the old connection.
export function renew() {
  end();
  open();
}

function open() {
  asked = performance.now();
  silence = setTimeout(lost, SILENT_AFTER);
  events = new EventSource("/events" + location.search);
  for (const [name, hear] of Object.entries(hearers)) {
    events.addEventListener(name, (event) => {
      clearTimeout(silence);
      silence = setTimeout(lost, SILENT_AFTER);
      pause = FIRST_PAUSE;
      hear(JSON.parse(event.data));
    });
  }
  events.addEventListener("error", lost);
}

function end() {
  clearTimeout(silence);
  clearTimeout(again);
  events.close();
}

function lost() {
  end();
  again = setTimeout(open, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE);
  leave();
}

// A tablet that is let in no more: its page is the pairing page now, which the stream cannot say.
async function leave() {
  const page = await fetch("/", { signal: AbortSignal.timeout(SILENT_AFTER) }).catch(() => undefined);
  if (page?.redirected) location.replace(page.url);
}
