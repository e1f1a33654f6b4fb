/** What a deck does by itself: light and dark, pages that fit, and reveal.js. */
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint(theme) { document.documentElement.dataset.theme = theme; }
function follow() { paint(dark.matches ? "dark" : "light"); }
function flip() { paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); }

function pages() { return [...document.querySelectorAll(".slides > section > section")]; }

/** By how many pixels what `page` holds is wider and taller than it. */
function spill(page) {
  const boxes = [...page.querySelectorAll("*")].filter((node) => getComputedStyle(node).overflowX !== "visible");
  const wide = Math.max(...[page, ...boxes].map((node) => node.scrollWidth - node.clientWidth));
  return [wide, page.scrollHeight - page.clientHeight];
}

/** Make what a page shows smaller, step by step, until it fits: too wide code, then pictures, then all text. */
function fit(page) {
  const [sizes, least] = [{ "--picture": 1, "--said": 1, "--code": 1 }, { "--picture": 0.58 }];
  while (spill(page).some((pixels) => pixels > 0)) {
    const wide = [...page.querySelectorAll("pre")].some((code) => code.scrollWidth > code.clientWidth);
    const may = (name) => sizes[name] > (least[name] ?? 0.72) && (!wide || name === "--code");
    const name = Object.keys(sizes).find(may);
    if (!name) return scroll(page);
    page.style.setProperty(name, sizes[name] -= 0.04);
  }
}

/** Let a widget scroll that is too tall however small it is. */
function scroll(page) {
  const box = page.querySelector(".jp-RenderedHTML")?.parentElement;
  const height = box && box.offsetHeight - spill(page)[1] - 2;
  if (height > 240) Object.assign(box.style, { maxHeight: `${height}px`, overflowY: "auto" });
}

/** Show a page that is up to 8 % too tall smaller, all of it: another machine's fonts need no other page. */
function squeeze(page) {
  const [tall, height, width] = [spill(page)[1], page.clientHeight, page.clientWidth];
  if (tall <= 0 || tall > 0.08 * height) return;
  let percent = 100;
  while (spill(page)[1] > 0 && percent > 90) {
    const scale = --percent / 100;
    Object.assign(page.style, { zoom: scale, width: `${width / scale}px`, height: `${height / scale}px` });
  }
  page.dataset.squeezed = `${tall} px too tall, so it is shown at ${percent} %`;
}

/** Give a page without a heading the one before it, small. */
function head(page, n, all) {
  const [own, before] = [page, all[n - 1]].map((at) => at?.querySelector("h2, h3, .section"));
  if (own || !before) return;
  const section = Object.assign(document.createElement("p"), { className: "section", textContent: before.textContent });
  page.prepend(section);
}

follow();
dark.addEventListener("change", follow);
addEventListener("load", async () => {
  pages().forEach(head);
  pages().forEach(fit);
  pages().forEach(squeeze);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    plugins: [RevealNotes],
  });
  Reveal.addKeyBinding({ keyCode: 84, key: "T", description: "Light or dark" }, flip);
  document.querySelector(".theme").addEventListener("click", flip);
});
