// Signs somebody in and carries what admin made of the findings. The token is in this page's memory and nowhere else: closing the page
// forgets it.
"use strict";

const { event: number, refused, unreachable, ended, grown, noted } = document.body.dataset;
const [signIn, content, notice, done] = ["sign-in", "content", "notice", "done"].map((id) => document.getElementById(id));
const language = document.documentElement.lang;
let token = null;
let chosen = { state: "open", before: null };
// How often was asked for the content: of several answers the last question's is shown.
let asked = 0;

function say(sentence) {
  notice.hidden = sentence === null;
  notice.textContent = sentence ?? "";
  done.textContent = "";
}

function ask(path, bearer, body) {
  const headers = { ...(bearer && { Authorization: `Bearer ${bearer}` }), ...(body && { "Content-Type": "application/json" }) };
  return fetch(path, { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), cache: "no-store", redirect: "error" });
}

// The answer to a call for admin, or null where it is of no use; what went wrong is said.
async function call(path, body) {
  const answer = await ask(path, token, body).catch(() => null);
  if (answer?.ok) return answer;
  if (answer?.status === 401) leave();
  else say(answer?.status === 409 ? grown : ((await answer?.json().catch(() => null))?.detail ?? unreachable));
  return null;
}

// What was read and written stays where it is, below the form.
function leave() {
  token = null;
  signIn.hidden = false;
  say(ended);
  signIn.elements.email.focus();
}

// Each finding's unsent words.
const drafts = () => new Map([...content.querySelectorAll(".decision")].map(({ dataset, elements }) => [dataset.finding, elements.reason.value]));

async function show() {
  const query = new URLSearchParams({ language });
  for (const [name, value] of Object.entries(chosen)) if (value) query.set(name, value);
  const mine = ++asked;
  const answer = await call(`/v1/events/${number}/findings/page?${query}`);
  const page = await answer?.text();
  if (page === undefined || mine !== asked) return;
  const [written, at] = [drafts(), document.activeElement?.id];
  // Made by admin, escaped there; the policy of this page runs nothing in it.
  content.innerHTML = page;
  for (const { dataset, elements } of content.querySelectorAll(".decision")) elements.reason.value = written.get(dataset.finding) ?? "";
  // Whoever has no mouse goes on where they were, or at the beginning; what others look at stays in sight.
  (document.getElementById(at) ?? content).focus({ preventScroll: true });
}

signIn.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  say(null);
  const { email, password } = Object.fromEntries(new FormData(signIn));
  const session = await ask("/sign-in/sessions", null, { email, password }).catch(() => null);
  signIn.elements.password.value = "";
  if (!session?.ok) return say(session?.status === 401 ? refused : unreachable);
  const { access_token: own } = await session.json();
  const exchanged = await ask("/sign-in/access-tokens", own, { audience: "admin" }).catch(() => null);
  if (!exchanged?.ok) return say(unreachable);
  token = (await exchanged.json()).access_token;
  signIn.hidden = true;
  await show();
});

content.addEventListener("submit", async (submitted) => {
  submitted.preventDefault();
  say(null);
  const { finding, revision } = submitted.target.dataset;
  const { reason } = Object.fromEntries(new FormData(submitted.target));
  const body = { finding: Number(finding), revision: Number(revision), reason };
  const answer = await call(`/v1/findings/${submitted.submitter.value}`, body);
  if (answer) submitted.target.reset();
  if (token) await show();
  if (answer) done.textContent = noted;
});

content.addEventListener("change", async ({ target }) => {
  if (target.id !== "state") return;
  chosen = { state: target.value, before: null };
  await show();
});

content.addEventListener("click", async ({ target }) => {
  if (target.matches("#older, #newest")) {
    chosen.before = target.dataset.before ?? null;
    await show();
    document.getElementById("found").focus();
  }
  if (target.className === "export") {
    const answer = await call(target.dataset.path);
    if (!answer) return;
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = target.dataset.path.split("/").pop();
    link.click();
    URL.revokeObjectURL(link.href);
  }
});
