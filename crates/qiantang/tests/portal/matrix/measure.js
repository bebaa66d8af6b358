// What of a page is not where it belongs, as texts. Run as the body of a function, at any width.
//
// Whatever has ink (text, pictures, controls) has to end within each panel that it stands in, on both sides. What a
// scrolling box hides can be scrolled to; what a cut-off line hides has to be told by a title.
const PANELS = "main, .panel, .panel-body, .panel-head, .sheet, .figures > div, .vessel, .notice, .log-head, .page-head, "
  + ".filters, .field, .rail, td, th, dd, dt, .state, .tag, .btn, .card-row, .node-tile";
const WHOLE = "time, .state, .tag, .virtual, .nowrap, td.num, .unit";
const isPrinted = matchMedia("print").matches;
const faults = new Set();
const styles = new Map();
const style = (element) => {
  if (!styles.has(element)) styles.set(element, getComputedStyle(element));
  return styles.get(element);
};
const boxes = new Map();
const box = (element) => {
  if (!boxes.has(element)) {
    const { left } = element.getBoundingClientRect();
    boxes.set(element, [left + element.clientLeft, left + element.clientLeft + element.clientWidth]);
  }
  return boxes.get(element);
};
const named = (element) => {
  const classes = typeof element.className === "string" ? element.className.trim().replace(/\s+/g, ".") : "";
  return element.localName + (element.id ? `#${element.id}` : "") + (classes ? `.${classes}` : "");
};
const place = (element) => {
  const above = element.closest("[id], section, article, table");
  return `${above && above !== element ? `${named(above)} ` : ""}${named(element)}`;
};

function look(element, left, right, text) {
  for (let around = element; around && around !== document.body; around = around.parentElement) {
    const how = style(around);
    if (how.display === "inline" || how.display === "contents") continue;
    const [from, to] = box(around);
    if (around.clientWidth === 0) continue;
    const isPast = right > to + 1 || left < from - 1;
    if (how.overflowX === "auto" || how.overflowX === "scroll") return;
    if (how.overflowX === "hidden" || how.overflowX === "clip") {
      if (isPast) {
        around.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
        if (!element.closest("[title]")) faults.add(`${place(element)} is cut off without a title: ${text}`);
      }
      [left, right] = [Math.max(left, from), Math.min(right, to)];
    } else if (isPast && around.matches(PANELS)) {
      faults.add(`${place(element)} is past its ${named(around)} by ${Math.round(Math.max(right - to, from - left))}: ${text}`);
      return;
    }
    if (how.position === "fixed") return;
  }
}

const isClipped = (element) => { const head = element.closest("thead"); return head && style(head).position === "absolute"; };
const hidden = (element) => isClipped(element) || element.closest(".sr-only, .skip, .defs, option, datalist, script, style, title, noscript, template");
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const range = document.createRange();
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const element = node.parentElement;
  if (!node.data.trim() || hidden(element)) continue;
  range.selectNodeContents(node);
  const text = node.data.trim().slice(0, 40);
  const lines = [...range.getClientRects()].filter((rect) => rect.width > 0);
  for (const { left, right } of lines) look(element, left, right, text);
  const whole = element.closest(WHOLE);
  if (whole && !isPrinted && new Set(lines.map((rect) => Math.round(rect.top))).size > 1 && !element.closest("h1, .page-meta .id")) {
    faults.add(`${place(whole)} is broken over lines: ${text}`);
  }
}
for (const element of document.querySelectorAll("input, select, textarea, button, img:not([alt='']), svg:not(svg svg), canvas, pre")) {
  if (hidden(element) || !element.getClientRects().length) continue;
  const { left, right } = element.getBoundingClientRect();
  if (right > left) look(element.parentElement, left, right, named(element));
}
const wide = document.documentElement.scrollWidth - innerWidth;
if (wide > 0) faults.add(`the page scrolls sideways by ${wide}`);
return [...faults].slice(0, 12);
