// A sound for each verdict, apart by rhythm as well as by pitch: not everybody hears both, and a small loudspeaker gives little below 300 Hz.
// A browser lets no page sound before somebody touched it, unless it was started otherwise; until then a button asks for that.

import { isQuiet } from "./words.js";

// Hertz (0: silence) and milliseconds.
const short = 90, gap = 60;
const PATTERNS = {
  admit: [[880, short], [1320, 160]],
  attention: [[880, short], [1320, short], [0, gap], [1320, 160]],
  staff: [[660, short], [0, gap], [660, short], [0, gap], [660, short], [0, gap], [660, short]],
  refuse: [[330, 700]],
  fraud: [[990, 180], [495, 180], [990, 180], [495, 180], [990, 180], [495, 180]],
};
const LOUD = 0.5;
// Begun and ended at once, a tone clicks.
const SOFT = 0.008;

let context;

// Ready to sound, unless it is to be quiet. `button` is there while the browser wants to be asked.
export function allowSound(button, set) {
  if (context || isQuiet(set)) return;
  context = new AudioContext();
  const show = () => {
    button.hidden = context.state === "running";
    document.body.dataset.sound = context.state;
  };
  context.addEventListener("statechange", show);
  button.addEventListener("click", () => context.resume());
  show();
}

export function sound(severity) {
  if (context?.state !== "running") return;
  let at = context.currentTime;
  for (const [hertz, milliseconds] of PATTERNS[severity]) {
    const ends = at + milliseconds / 1000;
    if (hertz > 0) tone(hertz, at, ends);
    at = ends;
  }
}

function tone(hertz, begins, ends) {
  const oscillator = new OscillatorNode(context, { type: "triangle", frequency: hertz });
  const gain = new GainNode(context, { gain: 0 });
  gain.gain.setValueAtTime(0, begins);
  gain.gain.linearRampToValueAtTime(LOUD, begins + SOFT);
  gain.gain.setValueAtTime(LOUD, ends - SOFT);
  gain.gain.linearRampToValueAtTime(0, ends);
  oscillator.connect(gain).connect(context.destination);
  oscillator.start(begins);
  oscillator.stop(ends);
}
