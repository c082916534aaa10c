// The code goes to the gate, and the gate's answer to the person; what makes the tablet known comes as a cookie that no script can read.

const form = document.getElementById("pair");
const code = document.getElementById("code");
const why = document.getElementById("why");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  why.textContent = "";
  const answer = await fetch("/pair", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ code: code.value }),
  }).catch(() => undefined);
  if (answer?.ok) return location.replace("/");
  code.value = "";
  code.focus();
  const { en, fr } = answer?.status === 403 ? await answer.json() : { en: "The gate did not answer. Try again.", fr: "Le portique n'a pas répondu. Réessayez." };
  why.textContent = `${en} ${fr}`;
});
code.focus();
