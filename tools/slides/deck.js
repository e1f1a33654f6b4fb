/** What a deck does by itself: light and dark, pages that fit, and reveal.js. */
const dark = matchMedia("(prefers-color-scheme: dark)");

function paint(theme) { document.documentElement.dataset.theme = theme; }
function follow() { paint(dark.matches ? "dark" : "light"); }
function flip() { paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"); }

/** By how many pixels what `page` holds is larger than it; [0, 0] is a page that fits. */
function spill(page) {
  const boxes = [...page.querySelectorAll("*")].filter((node) => getComputedStyle(node).overflowX !== "visible");
  const wide = Math.max(...[page, ...boxes].map((node) => node.scrollWidth - node.clientWidth));
  return [wide, page.scrollHeight - page.clientHeight];
}

/** Make what a page shows smaller, step by step, until it fits: pictures and widgets first, code only if need be. */
function fit(page) {
  const sizes = { "--picture": 1, "--code": 1 };
  while (spill(page).some((pixels) => pixels > 0)) {
    const wide = [...page.querySelectorAll("pre")].some((code) => code.scrollWidth > code.clientWidth);
    const name = wide || sizes["--picture"] < 0.6 ? "--code" : "--picture";
    if (name === "--code" && sizes[name] < 0.75) return;
    page.style.setProperty(name, sizes[name] -= 0.04);
  }
}

function pages() { return document.querySelectorAll(".slides > section > section"); }

follow();
dark.addEventListener("change", follow);
addEventListener("load", async () => {
  pages().forEach(fit);
  await Reveal.initialize({
    width: 1280, height: 720, margin: 0, center: false, hash: true, slideNumber: "c/t", transition: "none",
    plugins: [RevealNotes],
  });
  Reveal.addKeyBinding({ keyCode: 84, key: "T", description: "Light or dark" }, flip);
  document.querySelector(".theme").addEventListener("click", flip);
});
