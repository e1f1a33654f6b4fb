/** What the theme leaves undone for those who read with a keyboard or a screen reader. */
function say(selector, name, value) {
  document.querySelectorAll(selector).forEach((node) => node.setAttribute(name, value));
}

addEventListener("DOMContentLoaded", () => {
  say(".caption[role=heading]", "aria-level", "2");
  say(".sidebar-drawer", "aria-label", "All pages");
  say(".toc-drawer", "aria-label", "On this page");
  document.querySelectorAll("details.hide > summary").forEach((node) => node.removeAttribute("aria-label"));
});

/** Whatever scrolls sideways can be reached with Tab, and then scrolled with the arrow keys. */
addEventListener("load", () => document.querySelectorAll("pre, .text_html, [style*=overflow]").forEach((node) => {
  if (node.scrollWidth > node.clientWidth) node.tabIndex = 0;
}));
