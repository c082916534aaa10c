// The part of the screen that each lane has. Owns how a view is drawn; what is in view, the page says.

import { LANE, both, languages, made } from "./words.js";

const main = document.querySelector("main");
const blank = document.getElementById("lane").content.firstElementChild;
let shown = [];

// A view for each lane, in order.
export function draw(views) {
  while (main.children.length > views.length) main.lastElementChild.remove();
  while (main.children.length < views.length) main.append(blank.cloneNode(true));
  shown.length = views.length;
  views.forEach((view, index) => {
    const next = JSON.stringify([languages(), view]);
    if (next === shown[index]) return;
    shown[index] = next;
    drawOne(main.children[index], view);
  });
}

function drawOne(region, { look, lane, words, sentence, detail = "", holder = "" }) {
  region.dataset.look = look;
  const [one, other] = languages();
  // What counts most is said first, and larger.
  const [most, ...rest] = detail.split(" · ");
  const texts = {
    word: words[one],
    // Said once where it is the same.
    "other-word": words[other] === words[one] ? "" : words[other],
    detail: most,
    more: rest.join(" · "),
    holder,
    sentence: sentence[one],
    "other-sentence": sentence[other],
  };
  const where = region.querySelector(".where");
  where.replaceChildren(...(lane === undefined ? [] : [made("small", both(LANE).toUpperCase()), made("b", lane)]));
  for (const [name, text] of Object.entries(texts)) {
    const element = region.querySelector(`.${name}`);
    if (element.textContent !== text) element.textContent = text;
    if (name.endsWith("word") || name.endsWith("sentence")) element.lang = name.startsWith("other") ? other : one;
  }
}
