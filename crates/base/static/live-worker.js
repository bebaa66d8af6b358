// One stream of news for all pages of a browser's session that are looked at, and whose turn it is to keep a stream of
// its own. A browser keeps six connections to a center that speaks HTTP/1.1; at most four are kept open by streams.
"use strict";
const MOST_TURNS = 3;
const FORGET_MS = 60000;
const pages = new Map(); // port -> { isSeen, wantsNews, wantsTurn, hasTurn, nearAt, toldAt }
let stream = null;
let isOpen = false;

function open() {
  stream = new EventSource("/events/stream");
  const told = stream;
  const tell = (message) => pages.forEach((page, port) => { if (page.isSeen && page.wantsNews) port.postMessage(message); });
  told.addEventListener("open", () => { isOpen = true; tell({ open: true }); });
  told.addEventListener("news", (event) => tell({ news: JSON.parse(event.data) }));
  told.addEventListener("error", () => {
    isOpen = false;
    tell({ lost: true });
    // The browser tries again by itself, but where the center refused.
    if (told.readyState === EventSource.CLOSED && stream === told) stream = null;
  });
}

function settle() {
  const now = Date.now();
  for (const [port, page] of pages) if (now - page.toldAt > FORGET_MS) pages.delete(port);
  const isWanted = [...pages.values()].some((page) => page.isSeen && page.wantsNews);
  if (isWanted && !stream) open();
  if (!isWanted && stream) { stream.close(); stream = null; isOpen = false; }
  const asking = [...pages].filter(([, page]) => page.isSeen && page.wantsTurn);
  asking.sort(([, a], [, b]) => b.nearAt - a.nearAt);
  const first = new Set(asking.slice(0, MOST_TURNS).map(([port]) => port));
  for (const [port, page] of pages) {
    const hasTurn = first.has(port);
    if (page.hasTurn !== hasTurn) { page.hasTurn = hasTurn; port.postMessage({ turn: hasTurn }); }
  }
}

self.onconnect = ({ ports: [port] }) => {
  pages.set(port, { nearAt: Date.now(), toldAt: Date.now() });
  port.onmessage = ({ data }) => {
    if (data.isGone) {
      pages.delete(port);
    } else {
      const now = Date.now();
      const before = pages.get(port) ?? { nearAt: now };
      const isNews = isOpen && data.isSeen && data.wantsNews && !(before.isSeen && before.wantsNews);
      const hasComeNear = data.isSeen && (!before.isSeen || data.isNear);
      pages.set(port, { ...before, ...data, nearAt: hasComeNear ? now : before.nearAt, toldAt: now });
      // What it missed, it asks for.
      if (isNews) port.postMessage({ open: true });
    }
    settle();
  };
};
setInterval(settle, 15000);
