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

  // Logs: <pre class="log-body" data-stream="URL" data-status="#id">. Each event is one piece of text; the browser sends
  // Last-Event-ID when it connects again, so nothing is shown twice. At most LINES_KEPT lines stay in the page.
  const LINES_KEPT = 5000;
  function followLog(body) {
    const status = document.querySelector(body.dataset.status);
    const follow = document.querySelector(body.dataset.follow);
    let stream = null;
    let seen = ""; // up to where, as the stream says
    let open = null; // the last line, while its end has not come
    const say = (word) => {
      if (!status) return;
      status.className = `log-status is-${word}`;
      status.textContent = status.dataset[word] || word;
    };
    const add = (text, kind) => {
      const name = kind ? `ln is-${kind}` : "ln";
      if (open && open.className !== name) open = null;
      const parts = text.split("\n");
      parts.forEach((part, i) => {
        const isLast = i === parts.length - 1;
        if (isLast && part === "") return;
        if (!open) {
          open = document.createElement("span");
          open.className = name;
          body.append(open);
        }
        open.append(part);
        if (!isLast) open = null;
      });
      while (body.childElementCount > LINES_KEPT) body.firstElementChild.remove();
      if (!follow || follow.checked) body.scrollTop = body.scrollHeight;
    };
    let isOver = false;
    const close = () => { stream?.close(); stream = null; };
    const on = (kind, act) => stream.addEventListener(kind, (event) => {
      if (!body.isConnected) { isOver = true; close(); return; }
      seen = event.lastEventId || seen;
      act(event);
    });
    const begin = () => {
      const address = new URL(body.dataset.stream, location.href);
      if (seen) address.searchParams.set("from", seen);
      stream = new EventSource(address);
      stream.addEventListener("open", () => say("live"));
      stream.addEventListener("error", () => say("lost"));
      on("stdout", (event) => add(event.data));
      on("stderr", (event) => add(event.data, "err"));
      on("center", (event) => add(`${event.data}\n`, "center"));
      on("end", () => { isOver = true; close(); say("ended"); });
    };
    // Of all pages of this browser some may stream at once: those that are looked at.
    window.takeTurns((isOurs) => {
      if (isOurs && !stream && !isOver && body.isConnected) begin();
      else if (!isOurs && stream) { close(); say("paused"); }
    });
    addEventListener("pagehide", close);
    if (follow) follow.addEventListener("change", () => body.setAttribute("aria-live", follow.checked ? "polite" : "off"));
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

  function enhance(within) {
    each("[data-theme-switch]", within, (button) => { button.hidden = false; showTheme(button); });
    each("[data-copy]", within, (button) => { button.hidden = !navigator.clipboard; });
    each("[data-pick-all]", within, (box) => { box.hidden = false; });
    each("[data-print]", within, (button) => { button.hidden = false; });
    each("time[data-relative]", within, tellTime);
    each("pre[data-stream]", within, (body) => { if (!body.followed) { body.followed = true; followLog(body); } });
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
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && location.hash === "#rail") location.hash = "#main";
  });
  document.addEventListener("htmx:afterSettle", (event) => enhance(event.target));
  document.addEventListener("live:changed", () => enhance(document));
  setInterval(() => each("time[data-relative]", document, tellTime), 15000);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => enhance(document));
  else enhance(document);
})();
