// The button that puts a product into the cart. Everything else of the shop works without a script.
"use strict";

const note = document.querySelector(".note");

function say(words) {
  note.textContent = words;
  note.hidden = false;
}

async function put(sku) {
  const answer = await fetch(`/cart/${encodeURIComponent(sku)}`, {
    method: "PUT",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ qty: 1 }),
    credentials: "same-origin",
  });
  if (answer.ok) {
    const cart = await answer.json();
    return `It is in your cart, which has ${cart.lines.length} line(s) now.`;
  }
  if (answer.status === 401) {
    return "Please log in first.";
  }
  const { refused } = await answer.json().catch(() => ({ refused: "no answer" }));
  return `That did not work: ${refused}.`;
}

for (const button of document.querySelectorAll("[data-put]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      say(await put(button.dataset.put));
    } catch {
      say("The shop could not be reached. Please try again.");
    } finally {
      button.disabled = false;
    }
  });
}

document.documentElement.dataset.script = "ran";
