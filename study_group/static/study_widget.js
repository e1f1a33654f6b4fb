/**
 * What every widget shares; stands in front of each widget's own script.
 * A widget exports `study(name, draw)`; `draw({model, root})` fills `root` and may return a cleanup.
 */

/** The background a reader sees behind `el`, as "light" or "dark". */
function themeOf(el) {
  for (let at = el; at; at = at.parentElement) {
    const [r, g, b, a = 1] = (getComputedStyle(at).backgroundColor.match(/[\d.]+/g) || []).map(Number);
    if (a > 0.5) return 0.299 * r + 0.587 * g + 0.114 * b < 128 ? "dark" : "light";
  }
  return "light";
}

/** Hide the static twin of a widget that is shown in `el`: the nearest element with that id. */
function hideTwin(el, id) {
  for (let at = el.parentElement; id && at; at = at.parentElement) {
    const twin = at.querySelector(`[id="${id}"]`);
    if (twin) { twin.style.display = "none"; return; }
  }
}

/** Keep plain keys in the widget: JupyterLab reads D D as "delete this cell" wherever the focus is in an output. */
function keepKeys(event) { if (!event.ctrlKey && !event.metaKey && !event.altKey) event.stopPropagation(); }

/** @returns an anywidget module whose `render` calls `draw` and draws a failure where it happens */
function study(name, draw) {
  function render({ model, el }) {
    const root = document.createElement("div");
    root.className = `study-widget ${name}`;
    el.append(root);
    root.addEventListener("keydown", keepKeys);
    const theme = () => { root.dataset.theme = themeOf(el); };
    let cleanup;
    try {
      cleanup = draw({ model, root });
    } catch (error) {
      root.setAttribute("role", "alert");
      root.textContent = `This widget couldn't be drawn: ${error}`;
      console.error(error);
    }
    const watch = new MutationObserver(() => setTimeout(theme, 50));
    for (const at of [document.documentElement, document.body]) watch.observe(at, { attributes: true });
    const frame = requestAnimationFrame(() => {
      theme();
      hideTwin(el, model.get("_twin"));
      root.dataset.ready = "1";
      performance.mark(`${name}-paint`);
    });
    return () => { watch.disconnect(); cancelAnimationFrame(frame); cleanup?.(); };
  }
  return { render };
}
