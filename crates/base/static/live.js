// Pages that keep themselves fresh, as long as somebody looks. A page says which of its parts do (see page/live.rs):
//   <section id="…" data-fresh data-fresh-kinds="run_started run_ended" data-fresh-job="job_…" data-fresh-every="60">
// On news of such a kind, or of such a job, the page asks for itself and is sent the parts that changed. They are put
// into place without touching the others: focus, selection, scroll, open menus and what was typed stay.
"use strict";
(() => {
  const NEWS = "/events/stream";
  const key = document.querySelector("meta[name=live]")?.content;
  const region = () => document.querySelector("[data-fresh]");
  const isSeen = () => document.visibilityState === "visible";
  const words = (name) => region()?.dataset[name]?.split(" ").filter(Boolean) ?? [];

  // How fresh the page is: <span data-as-of data-word-live="…" data-word-then="…"><b>as of</b> <time>…</time> …
  function tell(isLive, clock) {
    document.querySelectorAll("[data-as-of]").forEach((note) => {
      note.classList.toggle("is-live", isLive);
      note.querySelector("b").textContent = isLive ? note.dataset.wordLive : note.dataset.wordThen;
      const time = note.querySelector("time");
      if (clock && time) { time.textContent = clock.slice(11); time.title = clock; }
    });
  }

  // What somebody changed and has not sent yet.
  window.isTouched = isTouched;
  function isTouched(element) {
    if (element.matches("input[type=checkbox], input[type=radio]")) return element.checked !== element.defaultChecked;
    if (element.matches("input:not([type=hidden]), textarea")) return element.value !== element.defaultValue;
    if (!element.matches("select")) return false;
    const options = [...element.options];
    if (!element.multiple && !options.some((one) => one.defaultSelected)) return element.selectedIndex > 0;
    return options.some((one) => one.selected !== one.defaultSelected);
  }

  const callbacks = {
    beforeNodeMorphed(old, fresh) {
      if (!(fresh instanceof Element)) return true;
      // A log grows by a stream of its own.
      if (old.classList?.contains("log") && old.dataset.part === fresh.dataset.part) return false;
      if (!fresh.hasAttribute("data-same")) return !isTouched(old);
      const now = fresh.getAttribute("data-same").split("|");
      old.querySelectorAll("[data-now]").forEach((place, i) => {
        if (now[i] !== undefined && place.textContent !== now[i]) place.textContent = now[i];
      });
      return false;
    },
    // Whether a menu is open is the reader's.
    beforeAttributeUpdated: (name, element) => !(name === "open" && element.localName === "details"),
  };

  function put(text) {
    const fresh = document.createElement("template");
    fresh.innerHTML = text;
    const active = document.activeElement;
    for (const part of [...fresh.content.children]) {
      const old = document.getElementById(part.id);
      if (old) window.Idiomorph.morph(old, part, { morphStyle: "outerHTML", callbacks });
    }
    if (active?.isConnected && document.activeElement !== active) active.focus({ preventScroll: true });
    document.dispatchEvent(new CustomEvent("live:changed"));
    // A part that was said to be the same, and is not here.
    return !document.querySelector("[data-same]");
  }

  let isAsking = false;
  let isStale = false;
  let isOver = false;
  async function ask(isWhole) {
    if (isOver || !region()) return;
    if (isAsking || !isSeen()) { isStale = true; return; }
    [isAsking, isStale] = [true, false];
    let isGood = false;
    try {
      const known = isWhole ? [] : [...document.querySelectorAll("[data-part]")].map((part) => part.dataset.part);
      const answer = await fetch(location.pathname + location.search, {
        headers: { "live-known": known.join(",") }, redirect: "manual", cache: "no-store",
      });
      const clock = answer.headers.get("live-at");
      // Whoever is signed out reads on, and is told as of when.
      isOver = answer.status === 401 || answer.type === "opaqueredirect";
      if (isOver) document.dispatchEvent(new CustomEvent("session-over"));
      if (answer.ok && clock) {
        const text = await answer.text();
        isGood = put(text) || isWhole;
        if (!isGood) isStale = true;
        else tell(Boolean(region()), clock);
      }
    } catch { /* The center can't be reached: the next news, or the next turn, asks again. */ }
    isAsking = false;
    if (!isGood) tell(false);
    if (isStale && !isOver) ask(!isGood);
  }

  function isForUs(news) {
    const [jobs, kinds] = [words("freshJob"), words("freshKinds")];
    if (news.jobs && jobs.length && !news.jobs.some((job) => jobs.includes(job))) return false;
    return !(news.kinds && kinds.length && !news.kinds.some((kind) => kinds.includes(kind)));
  }

  // One stream of news for all pages of a session, in a worker that they share; where there is none, one for the page
  // that is looked at. Streams of logs take turns: a browser keeps six connections, and acts need some of them.
  let say = () => {};
  let isConnected = false;
  let hasTurn = false;
  const turns = new Set();
  function heard(message) {
    if (message.open) ask(false);
    else if (message.lost) tell(false);
    else if (message.news && isForUs(message.news)) ask(false);
    else if (message.turn !== undefined) turns.forEach((told) => told(hasTurn = message.turn));
  }
  function connect() {
    if (isConnected || !key) return;
    isConnected = true;
    const standing = () => ({
      isSeen: isSeen(), wantsNews: Boolean(region()) && !isOver, wantsTurn: turns.size > 0, isNear: document.hasFocus(),
    });
    if (window.SharedWorker) {
      const port = new SharedWorker("/static/live-worker.js", { name: `live ${key}` }).port;
      port.onmessage = (event) => heard(event.data);
      say = () => port.postMessage(standing());
      addEventListener("pagehide", () => port.postMessage({ isGone: true }));
    } else {
      let stream = null;
      say = () => {
        const { isSeen: isWanted, wantsNews } = standing();
        turns.forEach((told) => told(hasTurn = isWanted));
        if (isWanted && wantsNews && !stream) {
          stream = new EventSource(NEWS);
          stream.addEventListener("open", () => heard({ open: true }));
          stream.addEventListener("error", () => {
            heard({ lost: true });
            // The browser tries again by itself, but where the center refused.
            if (stream?.readyState === EventSource.CLOSED) stream = null;
          });
          stream.addEventListener("news", (event) => heard({ news: JSON.parse(event.data) }));
        } else if (stream && !(isWanted && wantsNews)) {
          stream.close();
          stream = null;
        }
      };
      addEventListener("pagehide", () => stream?.close());
    }
    addEventListener("pageshow", (event) => { if (event.persisted) { say(); ask(false); } });
    addEventListener("focus", () => say());
    document.addEventListener("visibilitychange", () => {
      if (!isSeen()) tell(false);
      say();
      if (isSeen()) ask(false);
    });
    setInterval(() => say(), 20000);
    say();
  }

  // Calls `told` with whether a page may keep a stream of its own open now.
  window.takeTurns = (told) => {
    turns.add(told);
    connect();
    if (hasTurn) told(true);
    say();
  };

  function start() {
    if (!region()) return;
    connect();
    // What changes without news, such as how long a job has run.
    const every = Number(region().dataset.freshEvery || 60);
    setInterval(() => { if (isSeen()) ask(false); }, every * 1000);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
