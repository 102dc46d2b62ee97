// Results while typing, and buttons that copy code. Everything else works without this file.
"use strict";
(() => {
  const text = document.body.dataset;

  for (const block of document.querySelectorAll(".code")) {
    if (!navigator.clipboard) break;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = text.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.querySelector("code").textContent);
      button.textContent = text.copied;
      setTimeout(() => (button.textContent = text.copy), 1500);
    });
    block.append(button);
  }

  const form = document.querySelector("form.search");
  const input = form.querySelector("input");
  const list = document.createElement("ul");
  list.className = "found";
  list.id = "found";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  form.append(list);
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-controls", "found");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-autocomplete", "list");
  let asked = 0;
  let chosen = -1;

  const show = (open) => {
    list.hidden = !open;
    input.setAttribute("aria-expanded", String(open));
    if (!open) choose(-1);
  };

  const choose = (index) => {
    const items = [...list.children];
    chosen = items.length ? Math.max(-1, Math.min(index, items.length - 1)) : -1;
    items.forEach((item, at) => item.setAttribute("aria-selected", String(at === chosen)));
    if (chosen >= 0) {
      input.setAttribute("aria-activedescendant", items[chosen].id);
      items[chosen].scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  };

  const item = (hit, at) => {
    const line = document.createElement("li");
    line.id = "found" + at;
    line.setAttribute("role", "option");
    const link = document.createElement("a");
    link.href = hit.url;
    link.tabIndex = -1;
    const page = document.createElement("b");
    page.textContent = hit.page;
    link.append(page, hit.heading ? " › " + hit.heading : "");
    const excerpt = document.createElement("span");
    for (const [piece, marked] of hit.excerpt) {
      const part = document.createElement(marked ? "mark" : "span");
      part.textContent = piece;
      excerpt.append(part);
    }
    link.append(excerpt);
    line.append(link);
    return line;
  };

  input.addEventListener("input", async () => {
    const number = ++asked;
    const query = input.value.trim();
    if (!query) return show(false);
    const answer = await fetch(form.action + ".json?q=" + encodeURIComponent(query)).catch(() => null);
    if (!answer || !answer.ok || number !== asked) return;
    const hits = (await answer.json()).data;
    if (number !== asked) return;
    list.replaceChildren(...hits.map(item));
    choose(-1);
    show(hits.length > 0);
  });

  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (list.hidden) return;
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault();
      list.children[chosen].querySelector("a").click();
    } else if (event.key === "Escape") show(false);
  });

  document.addEventListener("click", (event) => {
    if (!form.contains(event.target)) show(false);
  });
  document.addEventListener("keydown", (event) => {
    const busy = /^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName);
    if (event.key === "/" && !busy && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      input.focus();
    }
  });

  // The table of contents follows the reader.
  const entries = new Map(
    [...document.querySelectorAll(".contents a")].map((link) => [decodeURIComponent(link.hash.slice(1)), link]),
  );
  const headings = [...document.querySelectorAll("article h2[id], article h3[id]")].filter((h) => entries.has(h.id));
  const follow = () => {
    let here = headings[0];
    for (const heading of headings) if (heading.getBoundingClientRect().top < 120) here = heading;
    for (const link of entries.values()) link.removeAttribute("aria-current");
    if (here) entries.get(here.id).setAttribute("aria-current", "true");
  };
  if (headings.length) {
    let waiting = false;
    addEventListener("scroll", () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        follow();
      });
    }, { passive: true });
    follow();
  }
})();
