// What the tests ask about a widget's root element: its motion, its texts in little room, and where the keys lead.

/** Each text in sight below `root`: its element, and the boxes of its lines. */
function texts(root) {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  const found = [];
  for (let node; (node = walker.nextNode());) {
    const at = node.parentElement;
    if (!node.data.trim() || at.closest(".unseen, option, [hidden]")
      || !at.checkVisibility({ visibilityProperty: true }) || at.closest("th, td")?.clientWidth === 0) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    found.push({ at, text: node.data.trim(), boxes: [...range.getClientRects()].filter((b) => b.width && b.height) });
  }
  return found;
}

function parents(at, root) {
  const found = [];
  for (; at && at !== root.parentElement; at = at.parentElement) found.push(at);
  return found;
}

/** What stands out of the root at its right, and isn't in a box that scrolls. */
function spills(root) {
  const right = root.getBoundingClientRect().right + 1;
  const kept = (p) => p !== root && getComputedStyle(p).overflowX !== "visible";
  const out = [...root.querySelectorAll("*")].filter((at) => {
    const box = at.getBoundingClientRect();
    return box.right > right && box.width && !at.closest(".unseen") && !parents(at.parentElement, root).some(kept);
  }).map((at) => `${at.tagName}.${at.className}`);
  return root.scrollWidth > root.clientWidth + 1 ? [`${root.scrollWidth} > ${root.clientWidth}`, ...out] : out;
}

/** Texts that are cut off where nothing scrolls. One that ends in … is all right while a few letters are left. */
function clipped(root) {
  const found = [];
  for (const { at, text, boxes } of texts(root)) {
    const [left, right] = [Math.min(...boxes.map((b) => b.left)), Math.max(...boxes.map((b) => b.right))];
    const [top, bottom] = [Math.min(...boxes.map((b) => b.top)), Math.max(...boxes.map((b) => b.bottom))];
    let dots = false;
    for (const p of parents(at, root)) {
      const { overflowX, overflowY, textOverflow } = getComputedStyle(p);
      const box = p.getBoundingClientRect();
      dots ||= textOverflow === "ellipsis" && overflowX !== "visible" && box.width > 36;
      if ([overflowX, overflowY].some((o) => o === "auto" || o === "scroll")) break;
      const [wide, tall] = [right > box.right + 2 || left < box.left - 2, bottom > box.bottom + 5 || top < box.top - 5];
      if (wide && overflowX !== "visible" && !dots && !p.title) found.push(`↔ ${text}`);
      if (tall && overflowY !== "visible") found.push(`↕ ${text}`);
    }
  }
  return found;
}

/** The part of `box` that boxes which clip or scroll leave to see. */
function cropped({ left, top, right, bottom }, at, root) {
  for (const p of parents(at, root)) {
    if (getComputedStyle(p).overflowX === "visible") continue;
    const box = p.getBoundingClientRect();
    [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
    [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
  }
  return { left, top, right, bottom };
}

/** Texts that stand on one another. */
function overlaps(root) {
  const sticks = (p) => getComputedStyle(p).position === "sticky"; // others may go below it
  const layer = (at) => parents(at, root).find(sticks);
  const lines = texts(root).flatMap(({ at, text, boxes }) =>
    boxes.map((b) => ({ at, text, b: cropped(b, at, root), on: layer(at) })));
  const found = [];
  for (const [n, { at, text, b, on }] of lines.entries()) {
    for (const other of lines.slice(n + 1)) {
      const wide = Math.min(b.right, other.b.right) - Math.max(b.left, other.b.left);
      const tall = Math.min(b.bottom, other.b.bottom) - Math.max(b.top, other.b.top);
      if (at !== other.at && on === other.on && wide > 2 && tall > 5) found.push(`${text} / ${other.text}`);
    }
  }
  return found;
}

/** What can be worked below `root`, as far as it can be seen and isn't disabled. */
function hands(root) {
  const all = [...root.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]:not(form)")];
  return all.filter((at) => !at.matches(":disabled") && at.checkVisibility({ visibilityProperty: true }));
}

/** Where the focus is below `root`, if it is: what it is, and what is wrong with how that is seen. */
function focused(root) {
  const at = document.activeElement;
  if (!root.contains(at)) return null;
  (window.reached ??= new Set()).add(at);
  window.numbers ??= new Map();
  if (!numbers.has(at)) numbers.set(at, numbers.size);
  const kind = at.matches("textarea, select, input:not([type=radio], [type=checkbox])") ? "own keys" : "";
  return { id: numbers.get(at), what: at.outerHTML.slice(0, 120), kind, unseen: unseenFocus(at, root) };
}

function colour(text) { return (text.match(/[\d.]+/g) ?? []).map(Number); }

function luminance(rgb) {
  const [r, g, b] = rgb.map((x) => (x / 255 <= 0.03928 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one, other) {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Why the focus on `at` can't be seen: it or its label needs a line around it, 3 : 1 at least, not cut off. */
function unseenFocus(at, root) {
  const line = [at, at.closest("label")].find((p) => p && getComputedStyle(p).outlineStyle !== "none");
  if (!line) return "no line around it";
  const { outlineWidth, outlineOffset, outlineColor } = getComputedStyle(line);
  if (parseFloat(outlineWidth) < 2) return `a line of ${outlineWidth}`;
  const around = parents(parseFloat(outlineOffset) < 0 ? line : line.parentElement, document.body);
  const behind = around.map((p) => colour(getComputedStyle(p).backgroundColor));
  const ratio = contrast(colour(outlineColor).slice(0, 3), behind.find(([, , , a = 1]) => a > 0.9).slice(0, 3));
  if (ratio < 3) return `a line of contrast ${ratio.toFixed(2)}`;
  const out = parseFloat(outlineWidth) + parseFloat(outlineOffset) - 1;
  const box = line.getBoundingClientRect();
  const edge = { left: box.left - out, top: box.top - out, right: box.right + out, bottom: box.bottom + out };
  const left = cropped(edge, line.parentElement, root);
  const cut = Object.keys(edge).filter((side) => Math.abs(edge[side] - left[side]) > 1);
  return cut.length > 1 ? `a line cut off at its ${cut.join(", ")}` : "";
}

/** Rules for `name` in the page's style sheets that move, and don't ask whether the reader wants that. */
function moving(name, rules = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])) {
  return rules.flatMap((rule) => {
    if (rule.media?.mediaText.includes("prefers-reduced-motion")) return [];
    const { transitionDuration: t, animationDuration: a, scrollBehavior } = rule.style ?? {};
    const moves = [t, a].some((s) => s && s.split(",").some((x) => parseFloat(x) > 0)) || scrollBehavior === "smooth";
    return [...(moves && rule.selectorText?.includes(name) ? [rule.cssText] : []),
      ...(rule.cssRules?.length ? moving(name, [...rule.cssRules]) : [])];
  });
}
