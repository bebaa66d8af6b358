// What pages can do beyond links and forms. Every page reads well without it; nothing here is needed to act.
"use strict";
(() => {
  const root = document.documentElement;
  const lang = root.lang || "zh-CN";
  const each = (selector, within, act) => within.querySelectorAll(selector).forEach(act);

  // Theme: system → light → dark, kept in a cookie so that the server's next page is right from its first byte.
  const themes = ["system", "light", "dark"];
  function showTheme(button) {
    const now = root.dataset.theme || "system";
    button.querySelector("[data-theme-word]").textContent = button.dataset[now] || now;
  }
  function switchTheme() {
    const next = themes[(themes.indexOf(root.dataset.theme || "system") + 1) % themes.length];
    if (next === "system") delete root.dataset.theme;
    else root.dataset.theme = next;
    const age = next === "system" ? 0 : 31536000;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${next}; Path=/; Max-Age=${age}; SameSite=Lax${secure}`;
    each("[data-theme-switch]", document, showTheme);
  }

  // Copy: <button class="copy" data-copy="text" data-done="Copied" hidden>
  async function copy(button) {
    await navigator.clipboard.writeText(button.dataset.copy);
    const label = button.getAttribute("aria-label");
    button.classList.add("is-done");
    button.setAttribute("aria-label", button.dataset.done || label);
    setTimeout(() => {
      button.classList.remove("is-done");
      button.setAttribute("aria-label", label);
    }, 1600);
  }

  // Times: <time datetime="…" data-relative>2026-11-23 14:02:11</time> reads "3 minutes ago", the instant as its title.
  const relative = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  const steps = [["second", 60], ["minute", 60], ["hour", 24], ["day", 14]];
  function tellTime(element) {
    const absolute = element.title || element.textContent;
    let value = (Date.parse(element.dateTime) - Date.now()) / 1000;
    if (Number.isNaN(value)) return;
    for (const [unit, size] of steps) {
      if (Math.abs(value) < size) {
        element.title = absolute;
        element.textContent = relative.format(Math.round(value), unit);
        return;
      }
      value /= size;
    }
    element.textContent = absolute;
  }

  // A script from a file, and Tab inside the editor only after it was asked for (Escape leaves it again).
  function loadFile(input) {
    const area = document.getElementById(input.dataset.into);
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (!file || file.size > 1 << 20) return;
      // A script that is no UTF-8 is shown, and sent with the name of its encoding.
      const bytes = await file.arrayBuffer();
      const read = (encoding) => {
        try { return new TextDecoder(encoding, { fatal: true }).decode(bytes); } catch { return null; }
      };
      const known = ["utf-8", "gb18030"].find((encoding) => read(encoding) !== null) ?? "latin1";
      area.value = read(known === "latin1" ? "" : known)
        ?? Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
      const named = area.form.elements.namedItem("encoding");
      if (named) named.value = known === "utf-8" ? "" : known;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  // Picks all boxes of a form: <input type="checkbox" data-pick-all="form" hidden>
  document.addEventListener("change", (event) => {
    const form = event.target.dataset?.pickAll;
    if (form) each(`input[type=checkbox][form="${form}"]`, document, (box) => { box.checked = event.target.checked; });
  });
  // A line that is cut off says the whole of it as its title.
  function tellWhole(event) {
    for (let element = event.target; element instanceof HTMLElement; element = element.parentElement) {
      if (element.title) return;
      if (element.scrollWidth > element.clientWidth && getComputedStyle(element).textOverflow === "ellipsis") {
        element.title = element.textContent.replace(/\s+/g, " ").trim();
        return;
      }
    }
  }

  // The session has ended: the page says so and stays, with what was typed. Where something was, signing in happens in
  // a tab beside it; the form is then sent from here.
  function sessionIsOver() {
    const notice = document.getElementById("session-over");
    if (!notice || !notice.hidden) return;
    const link = notice.querySelector("a");
    const isTyped = [...document.querySelectorAll("textarea, input, select")].some(window.isTouched);
    link.href = `/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`;
    if (isTyped) link.target = "_blank";
    notice.hidden = false;
  }

  function enhance(within) {
    each("[data-theme-switch]", within, (button) => { button.hidden = false; showTheme(button); });
    each("[data-copy]", within, (button) => { button.hidden = !navigator.clipboard; });
    each("[data-pick-all]", within, (box) => { box.hidden = false; });
    each("[data-print]", within, (button) => { button.hidden = false; });
    each("time[data-relative]", within, tellTime);
    each("input[type=file][data-into]", within, (input) => { input.closest("[hidden]")?.removeAttribute("hidden"); if (!input.isRead) { input.isRead = true; loadFile(input); } });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("[data-theme-switch]")) switchTheme();
    else if (button?.matches("[data-copy]")) copy(button);
    else if (button?.matches("[data-print]")) print();
  });
  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm || event.target.dataset.confirm;
    if (question && !confirm(question)) event.preventDefault();
  }, true);
  document.addEventListener("pointerover", tellWhole);
  document.addEventListener("focusin", tellWhole);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && location.hash === "#rail") location.hash = "#main";
  });
  document.addEventListener("session-over", sessionIsOver);
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.getElementById("session-over")?.hidden === false) event.preventDefault();
  });
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.target));
  document.addEventListener("live:changed", () => enhance(document));
  setInterval(() => each("time[data-relative]", document, tellTime), 15000);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => enhance(document));
  else enhance(document);
})();
