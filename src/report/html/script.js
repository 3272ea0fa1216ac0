"use strict";
(() => {
  const form = document.getElementById("filters");
  const items = [...document.querySelectorAll(".item")];
  const rows = items.filter((item) => item.localName === "tr");
  const texts = new Map();
  const text = (item) => {
    if (!texts.has(item)) texts.set(item, item.textContent.toLowerCase());
    return texts.get(item);
  };
  const fits = (wanted, value) => !wanted || (wanted.startsWith("-") ? value !== wanted.slice(1) : value === wanted);
  const filter = () => {
    const wanted = Object.fromEntries(new FormData(form));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    for (const item of items) {
      const data = item.dataset;
      const member = ["verdict", "level", "version", "chapter"].every((name) => fits(wanted[name], data[name]));
      item.hidden = !(member && words.every((word) => text(item).includes(word)));
    }
    for (const group of document.querySelectorAll("[data-group], [data-holder]")) {
      group.hidden = !group.querySelector(".item:not([hidden])");
    }
    const shown = rows.filter((row) => !row.hidden).length;
    form.querySelector("output").value = `${shown} of ${rows.length} requirements`;
  };
  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    if (target.closest("[hidden]")) { form.reset(); filter(); }
    for (let at = target; at; at = at.parentElement) if (at.localName === "details") at.open = true;
    target.scrollIntoView();
  };
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  addEventListener("hashchange", reveal);
  // A long message is shown where its mark is.
  const showMark = (message) => {
    const mark = message.querySelector("mark");
    if (mark) message.scrollTop = mark.offsetTop - message.offsetTop - message.clientHeight / 3;
  };
  for (const example of document.querySelectorAll(".case")) {
    const show = () => example.open && example.querySelectorAll(".message > pre").forEach(showMark);
    example.addEventListener("toggle", show);
    show();
  }
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details.printed:not([open])")];
    for (const details of opened) details.open = true;
  });
  addEventListener("afterprint", () => { for (const details of opened) details.open = false; });
  form.hidden = false;
  // index.html?verdict=fail&text=replay opens the page filtered.
  for (const [name, value] of new URLSearchParams(location.search)) {
    const field = form.elements.namedItem(name);
    if (field) field.value = value;
    if (field && field.selectedIndex === -1) field.value = "";
  }
  filter();
  if (location.hash) reveal();
})();
