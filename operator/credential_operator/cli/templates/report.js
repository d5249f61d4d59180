"use strict";
// The page is whole without this: it sorts and searches the tables that are there. Of a long one it shows the first
// rows that match, since browsers take seconds for ten thousand.
const FIRST = 200;
const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });
const plain = (node) => node.textContent.replace(/\s+/g, " ").trim();

class Finder {
  constructor(form) {
    this.form = form;
    this.table = form.parentElement.querySelector("table");
    this.body = this.table.tBodies[0];
    this.rows = [...this.body.rows].map((row) => ({
      row,
      text: plain(row).toLowerCase(),
      is: (row.dataset.is || "").split(" "),
    }));
    this.input = form.querySelector("input");
    this.choices = [...form.querySelectorAll("select")];
    this.output = form.querySelector("output");
    this.most = FIRST;
    this.more = document.createElement("button");
    this.more.type = "button";
    this.more.className = "more";
    this.more.addEventListener("click", () => this.show(Infinity));
    this.table.parentElement.after(this.more);
    [...this.table.tHead.rows[0].cells].forEach((head, column) => this.head(head, column));
    this.listen();
    form.hidden = false;
    this.show();
  }

  listen() {
    let waiting;
    this.form.addEventListener("submit", (event) => event.preventDefault());
    this.form.addEventListener("reset", () => setTimeout(() => this.show()));
    for (const choice of this.choices) choice.addEventListener("change", () => this.show());
    this.input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => this.show(), 100);
    });
    for (const link of document.querySelectorAll("a[data-find], a[data-name]")) {
      link.addEventListener("click", () => this.find(link.dataset));
    }
  }

  find({ find = "", name = "" }) {
    for (const choice of this.choices) choice.value = "";
    if (this.choices.length) this.choices.at(-1).value = find;
    this.input.value = name;
    this.show();
  }

  show(most = FIRST) {
    const words = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const chosen = this.choices.map((choice) => choice.value).filter(Boolean);
    const found = this.rows.filter(
      ({ text, is }) => words.every((word) => text.includes(word)) && chosen.every((word) => is.includes(word)),
    );
    this.body.replaceChildren(...found.slice(0, most).map(({ row }) => row));
    const of = found.length === this.rows.length ? "" : ` of ${this.rows.length}`;
    this.output.textContent = `${found.length}${of} ${this.output.dataset.what}`;
    this.more.hidden = found.length <= most;
    this.more.textContent = `The first ${most} are shown: show all ${found.length}`;
  }

  head(head, column) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of this.table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      for (const one of this.rows) one.key = plain(one.row.cells[column]);
      // What is empty comes last, either way.
      const order = (a, b) => !a - !b || (down ? collator.compare(b, a) : collator.compare(a, b));
      this.rows.sort((one, other) => order(one.key, other.key));
      this.show();
    });
  }
}

for (const form of document.querySelectorAll("form.tools")) new Finder(form);
document.documentElement.classList.remove("early");
