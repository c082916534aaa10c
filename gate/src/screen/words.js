// What the page says, in both languages. One stands first and larger: `?language=fr` of the address, or else what gate.toml says.

const ASKED = new URLSearchParams(location.search);

export const WORDS = {
  admit: { en: "PASS", fr: "PASSEZ" },
  attention: { en: "PASS, LOOK", fr: "PASSEZ, VÉRIFIEZ" },
  staff: { en: "CALL STAFF", fr: "APPELEZ" },
  refuse: { en: "STOP", fr: "STOP" },
  fraud: { en: "FRAUD: STOP", fr: "FRAUDE : STOP" },
};

export const LANE = { en: "lane", fr: "couloir" };

// Whether the page shows one lane of several.
export const isOneLane = ASKED.has("lane");

// A tablet's page is the encrypted one.
export const isTablet = location.protocol === "https:";

let language = "en";

// By what the address asks for, else by what the gate is set to.
export function speak(set) {
  const asked = ASKED.get("language");
  language = (asked ?? set) === "fr" ? "fr" : "en";
  document.documentElement.lang = language;
}

export const isQuiet = (set) => (ASKED.has("sound") ? ASKED.get("sound") === "off" : set);

// The two languages, the chosen one first.
export const languages = () => (language === "fr" ? ["fr", "en"] : ["en", "fr"]);
export const first = (words) => words[language];
// In one line; once where it is the same in both.
export const both = (words) => [...new Set(languages().map((each) => words[each]))].filter(Boolean).join(" · ");

export const clock = (at) => at.toLocaleTimeString("sv");

export function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

export function made(kind, text, properties = {}) {
  return Object.assign(document.createElement(kind), { textContent: text, ...properties });
}
