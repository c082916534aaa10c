// Somebody without a ticket, who knows their order's code. Their name is on the page for as long as staff look at it, and goes with the menu.

import { ask, back, button, heading, keys, lanes, list, reason, removes, show, told } from "./menu.js";
import { both, clock, isTablet, made } from "./words.js";

// What an order's code is made of: Crockford's base32.
const SYMBOLS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
// After so many stands a hyphen.
const HALF = 5;

const SAY = {
  find: { en: "Find by order code", fr: "Trouver par code de commande" },
  code: { en: "The order's code, as in 7KQ2M-4XD9P", fr: "Le code de la commande, comme 7KQ2M-4XD9P" },
  look: { en: "FIND", fr: "TROUVER" },
  found: { en: "Who is it?", fr: "Qui est-ce ?" },
  check: { en: "No ticket was shown. Does an identity document have this name?", fr: "Aucun billet présenté. Une pièce d'identité porte-t-elle ce nom ?" },
  yes: { en: "YES, to the supervisor", fr: "OUI, au superviseur" },
  persons: { en: "persons", fr: "personnes" },
  gate: { en: "gate", fr: "portique" },
};

export const opener = (standing) => (standing.guests > 0 ? [button(SAY.find, find)] : []);

function find() {
  const code = made("input", "", { type: "text", autocomplete: "off", autocapitalize: "characters", spellcheck: false, ariaLabel: both(SAY.code) });
  const lane = lanes();
  const look = () => {
    if (code.value.trim()) seats({ lane: Number(lane.value), code: code.value });
  };
  code.addEventListener("keydown", (event) => event.key === "Enter" && look());
  const type = (symbol) => () => (code.value += code.value.length === HALF ? `-${symbol}` : symbol);
  const pad = () => keys("symbols", ...[...SYMBOLS].map((symbol) => button(symbol, type(symbol))), removes(() => (code.value = code.value.slice(0, -1))));
  // A tablet brings its own.
  show(heading(SAY.find), lane, made("p", both(SAY.code)), code, ...(isTablet ? [] : [pad()]), button(SAY.look, look, "does"), back(list));
  code.focus();
}

async function seats(asked) {
  show(made("p", "…"));
  const answer = await ask("/acts/find", asked);
  if (answer?.status !== 200) return told(answer?.status === 409 ? await answer.json() : undefined);
  const found = await answer.json();
  const rows = made("ul", "");
  rows.append(...found.map((seat) => {
    const row = made("li", "");
    row.dataset.severity = seat.may_enter ? "staff" : "refuse";
    row.append(button(`${whom(seat)} — ${both(seat.sentence)}`, () => one(asked, seat)));
    return row;
  }));
  show(heading(SAY.found), rows, back(find));
}

function one(asked, seat) {
  const deeds = seat.may_enter ? [made("p", both(SAY.check)), button(SAY.yes, () => choose(asked, seat), "does")] : [];
  show(heading(whom(seat)), made("p", both(seat.sentence)), made("p", before(seat)), ...deeds, back(() => seats(asked)));
}

async function choose({ lane, code }, { slot }) {
  show(made("p", "…"));
  const answer = await ask("/acts/choose", { lane, code, slot });
  if (answer?.status !== 200) return told(answer?.status === 409 ? await answer.json() : undefined);
  reason({ ...(await answer.json()), may: ["overrule"] });
}

const whom = ({ holder, places }) => [holder.name, holder.seat, places > 1 ? `${places} ${both(SAY.persons)}` : ""].filter(Boolean).join(" · ");

function before({ earlier, earlier_gate: gate }) {
  if (!earlier) return "";
  const at = new Date(earlier);
  return `${at.toLocaleDateString("sv")} ${clock(at)}${gate === null ? "" : ` · ${both(SAY.gate)} ${gate}`}`;
}
