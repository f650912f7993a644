export const results = document.getElementById("results");
export const template = document.getElementById("file-card");

// Add a card with a message about files that were not uploaded.
export function showRejection(name, message) {
  const card = template.content.firstElementChild.cloneNode(true);
  card.classList.replace("pending", "rejected");
  card.querySelector("progress").remove();
  card.querySelector("[data-file-name]").textContent = name;
  const status = card.querySelector("[role=status]");
  status.className = "error-text";
  status.textContent = message;
  results.prepend(card);
}
