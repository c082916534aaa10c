// Signs somebody in and carries what admin made of the findings. The token is in this page's memory and nowhere else: closing the page
// forgets it.
"use strict";

const { event: number, refused, unreachable, ended, grown } = document.body.dataset;
const [signIn, content, notice] = ["sign-in", "content", "notice"].map((id) => document.getElementById(id));
const language = document.documentElement.lang;
let token = null;
let chosen = { state: "open", before: null };

function say(sentence) {
  notice.hidden = sentence === null;
  notice.textContent = sentence ?? "";
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

function leave() {
  token = null;
  signIn.hidden = false;
  content.replaceChildren();
  say(ended);
}

async function show() {
  const query = new URLSearchParams({ language });
  for (const [name, value] of Object.entries(chosen)) if (value) query.set(name, value);
  const answer = await call(`/v1/events/${number}/findings/page?${query}`);
  // Made by admin, escaped there; the policy of this page runs nothing in it.
  if (answer) content.innerHTML = await answer.text();
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
  await call(`/v1/findings/${submitted.submitter.value}`, body);
  if (token) await show();
});

content.addEventListener("change", async ({ target }) => {
  if (target.id !== "state") return;
  chosen = { state: target.value, before: null };
  await show();
});

content.addEventListener("click", async ({ target }) => {
  if (target.id === "older") {
    chosen.before = target.dataset.before;
    await show();
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
