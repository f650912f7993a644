// The review queue by key: the next item stands ready, and what was said is stored while it is looked at.
const queue = document.getElementById("queue");
const TYPED = "input:not([type=hidden]), select, textarea";
const PRESSED = "button, a, summary, " + TYPED;

class Queue {
  constructor(root) {
    this.root = root;
    this.items = root.querySelector(".queue-items");
    this.gone = new Set(); // judged or skipped here, whatever an answer still on its way says
    this.said = root.querySelector(".queue-said");
    this.error = root.querySelector(".queue-error");
    this.last = Promise.resolve(); // requests follow each other
    this.pending = 0;
    root.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("keydown", (event) => this.typed(event));
  }

  get slots() {
    return [...this.items.children];
  }

  get shown() {
    return this.slots.find((slot) => !slot.hidden);
  }

  typed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest(TYPED)) return;
    if (event.key === "Enter" && event.target.closest(PRESSED)) return;
    const button =
      event.key === "z"
        ? this.root.querySelector(".queue-undo button")
        : this.shown?.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (!button) return;
    event.preventDefault();
    button.form.requestSubmit(button);
  }

  submitted(event) {
    event.preventDefault();
    const body = new FormData(event.target, event.submitter);
    const undoes = body.get("verdict") === "undo";
    const slot = undoes ? null : event.target.closest(".queue-slot");
    if (slot) this.leave(slot);
    this.send(body, slot, undoes);
  }

  leave(slot) {
    this.gone.add(slot.dataset.id);
    slot.remove();
    this.show();
  }

  show() {
    const [first] = this.slots;
    if (first?.hidden) {
      first.hidden = false;
      first.querySelector("h2").focus({ preventScroll: true });
    }
    for (const slot of this.slots.slice(1)) slot.hidden = true;
    this.root.querySelector(".queue-empty").hidden = Boolean(first) || this.pending > 0;
  }

  send(body, slot, undoes) {
    this.pending += 1;
    this.last = this.last.then(() => this.exchange(body, slot, undoes));
  }

  async exchange(body, slot, undoes) {
    let answer;
    try {
      const response = await fetch(this.root.dataset.address, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      answer = await response.json();
    } catch (error) {
      answer = { said: "", error: `No answer came (${error.message}), so it may not be stored. Press again: nothing is stored twice.`, items: [] };
      if (slot) this.bring(slot);
    }
    this.pending -= 1;
    const again = undoes || Boolean(answer.error);
    if (again) for (const { id } of answer.items) this.gone.delete(id);
    this.tell(answer);
    this.take(answer.items, again);
  }

  bring(slot) {
    this.gone.delete(slot.dataset.id);
    slot.hidden = true;
    this.items.prepend(slot);
  }

  tell(answer) {
    if ("done" in answer) this.root.querySelector(".queue-done").textContent = answer.done;
    this.said.textContent = answer.said;
    this.error.textContent = answer.error;
    this.error.hidden = !answer.error;
  }

  /** Add what the server gave and this page has not; after an undo or an error the server's order holds. */
  take(items, again) {
    const known = new Map(this.slots.map((slot) => [slot.dataset.id, slot]));
    for (const { id, html } of items) {
      if (this.gone.has(id) || known.has(id)) continue;
      const slot = document.createElement("div");
      slot.className = "queue-slot";
      slot.dataset.id = id;
      slot.hidden = true;
      slot.innerHTML = html; // rendered and escaped by our own server
      known.set(id, slot);
      this.items.append(slot);
    }
    if (again) {
      this.items.prepend(...items.map(({ id }) => known.get(id)).filter(Boolean));
      for (const slot of this.slots) slot.hidden = true;
    }
    this.show();
  }
}

if (queue) {
  const page = new Queue(queue);
  queue.dataset.ready = "true";
  page.shown?.querySelector("h2").focus({ preventScroll: true });
}
