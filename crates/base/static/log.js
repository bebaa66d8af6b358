// A job's log: opens at its end, grows while it is live, and stays where the reader has scrolled to.
"use strict";
(() => {
  // Above so many lines the log begins anew with its end, while the reader is there.
  const LINES_KEPT = 1200;
  const RETRY_MS = 5000;
  const SWITCHES = { times: "is-timed", wrap: "is-wrapped", full: "is-full" };

  function setSwitch(log, button, on) {
    const body = log.querySelector(".log-body");
    const wasAtEnd = isAtEnd(body);
    log.classList.toggle(SWITCHES[button.dataset.logSwitch], on);
    button.setAttribute("aria-pressed", on);
    if (wasAtEnd) toEnd(body);
  }
  function addSwitches(log) {
    for (const button of log.querySelectorAll("[data-log-switch]")) {
      const name = button.dataset.logSwitch;
      button.hidden = false;
      const kept = name === "full" ? null : localStorage.getItem(`log-${name}`);
      if (kept !== null) setSwitch(log, button, kept === "true");
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        setSwitch(log, button, on);
        if (name !== "full") localStorage.setItem(`log-${name}`, on);
      });
    }
    log.addEventListener("keydown", (event) => {
      const full = log.querySelector("[data-log-switch=full]");
      if (event.key !== "Escape" || full?.getAttribute("aria-pressed") !== "true") return;
      event.preventDefault();
      setSwitch(log, full, false);
      full.focus();
    });
  }

  const isAtEnd = (body) => body.scrollTop + body.clientHeight >= body.scrollHeight - 24;
  const toEnd = (body) => { body.scrollTop = body.scrollHeight; };
  function fragment(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content;
  }

  function follow(body) {
    const rows = body.querySelector(".log-rows");
    const open = body.querySelector(".log-open");
    const status = document.querySelector(body.dataset.status);
    const url = new URL(body.dataset.stream, location.href);
    let stream = null;
    let hasTurn = false;
    const say = (word) => {
      if (!status) return;
      status.className = `log-status is-${word}`;
      status.textContent = status.dataset[word] || word;
    };
    const keepPlace = (change) => {
      const wasAtEnd = isAtEnd(body);
      change();
      if (wasAtEnd) toEnd(body);
      return wasAtEnd;
    };
    const take = (event) => {
      if (!body.isConnected) close();
      if (event.lastEventId) url.searchParams.set("resume", event.lastEventId);
      return JSON.parse(event.data);
    };
    const onLines = (event) => {
      const { done, open: unfinished } = take(event);
      const wasAtEnd = keepPlace(() => {
        const fresh = [];
        for (const [number, html] of done) {
          const shown = document.getElementById(`ln-${number}`);
          if (shown) shown.replaceWith(fragment(html));
          else fresh.push(html);
        }
        if (fresh.length) rows.append(fragment(fresh.join("")));
        open.replaceChildren(fragment(unfinished));
      });
      if (wasAtEnd && rows.childElementCount > LINES_KEPT) connect(true);
    };
    const onAnew = (event) => {
      const { rows: all, open: unfinished } = take(event);
      rows.replaceChildren(fragment(all));
      open.replaceChildren(fragment(unfinished));
      window.htmx?.process(rows);
      toEnd(body);
    };
    function connect(anew) {
      stream?.close();
      if (anew) url.searchParams.delete("resume");
      stream = new EventSource(url);
      stream.addEventListener("open", () => say("live"));
      stream.addEventListener("error", () => {
        say("lost");
        // The browser tries again by itself, but where the center refused.
        if (stream?.readyState !== EventSource.CLOSED) return;
        close();
        setTimeout(goOn, RETRY_MS);
      });
      stream.addEventListener("lines", onLines);
      stream.addEventListener("anew", onAnew);
      stream.addEventListener("end", () => { stream.close(); stream = null; say("ended"); body.hasEnded = true; });
    }
    const close = () => { stream?.close(); stream = null; };
    const goOn = () => { if (hasTurn && !stream && !body.hasEnded && body.isConnected) connect(false); };
    // A browser has few connections to one center: of all pages some may stream at once, those that are looked at.
    window.takeTurns((isOurs) => {
      hasTurn = isOurs;
      if (isOurs && body.isConnected) goOn();
      else if (stream) {
        close();
        say("paused");
      }
    });
    addEventListener("pagehide", close);
  }

  function enhance() {
    for (const log of document.querySelectorAll(".log")) {
      if (log.isEnhanced) continue;
      log.isEnhanced = true;
      const body = log.querySelector(".log-body");
      const button = log.querySelector("[data-to-end]");
      addSwitches(log);
      if (!("place" in body.dataset)) {
        toEnd(body);
        const show = () => { button.hidden = isAtEnd(body); };
        body.addEventListener("scroll", show, { passive: true });
        button.addEventListener("click", () => { toEnd(body); body.focus(); });
      }
      if (body.dataset.stream) follow(body);
    }
  }

  // What comes above must not move what is read.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const body = event.target.closest?.(".log-earlier")?.closest(".log-body");
    if (body) body.fromEnd = body.scrollHeight - body.scrollTop;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const body = document.querySelector(".log-body");
    if (body?.fromEnd !== undefined) {
      body.scrollTop = body.scrollHeight - body.fromEnd;
      delete body.fromEnd;
      if (!body.contains(document.activeElement)) body.focus({ preventScroll: true });
    }
    enhance();
  });
  document.addEventListener("live:changed", enhance);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", enhance);
  else enhance();
})();
