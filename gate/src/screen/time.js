// How old is what the gate says. Both ends count from a start of their own, and nobody sets such a count: whatever the calendar of the tablet
// or of the gate says plays no part. What lies between the two counts is a fixed difference and the time on the way; what was on the way for
// the shortest time in the last minute tells the difference best.

const REMEMBERED = 60000;
let differences = [];
let last = 0;

export function hearTime(gate, now) {
  // The gate's machine was started anew, and counts anew.
  if (gate < last) forgetTime();
  last = gate;
  differences = differences.filter(({ at }) => now - at < REMEMBERED);
  differences.push({ at: now, difference: now - gate });
}

export const forgetTime = () => (differences = []);

// In milliseconds. Before the gate said what it counts, all that is sure is that it was asked at `asked`.
export function age(gate, now, asked) {
  if (differences.length === 0) return now - asked;
  return Math.max(0, now - gate - Math.min(...differences.map(({ difference }) => difference)));
}
