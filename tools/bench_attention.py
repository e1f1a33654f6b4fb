"""The attention grid's saved page beside BertViz's head view of the same maps, in one run, each in a fresh Chromium.

BertViz comes from PyPI, what its pages load from a CDN from npm. Trust ratios and bytes.
"""
import statistics, subprocess, sys, tempfile, time
from dataclasses import replace
from pathlib import Path

import chromium, npm, psutil, transformers
from bench import row
from playwright.sync_api import sync_playwright

from study_group.attention import AttentionMaps, attention_maps
from study_group.widgets.attention_grid import AttentionGrid
from study_group.checkpoints import load_tokenizer
from study_group.data import bundled_reviews


CDN = {  # a part of what BertViz's page asks for → the package that has it, its version, the file
    "require.js": ("requirejs", "2.3.6", "require.js"), "d3": ("d3", "5.7.0", "dist/d3.min.js"),
    "jquery": ("jquery", "2.1.4", "dist/jquery.min.js")}
ROUNDS = int(next((a for a in sys.argv[1:] if a.isdigit()), 3))
WATCH = """(async () => {
    const look = %s;
    while (!look()) await new Promise(requestAnimationFrame);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    window.painted = performance.now();
})()"""
SWITCH = """async ([change, painted, layer]) => {
    const [begin, look] = [performance.now(), eval(painted)];
    eval(change)(layer);
    while (!look(layer)) await new Promise(requestAnimationFrame);
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    return performance.now() - begin;
}"""
VIEWS = {  # how to tell that a view has painted (a layer), and how to change its layer
    "BertViz": dict(painted="() => document.querySelector('svg line')",
                    drawn="() => document.querySelector('svg line')",
                    change="n => { const s = document.querySelector('#layer'); s.value = n; "
                           "s.dispatchEvent(new Event('change', {bubbles: true})); }"),
    "grid": dict(painted="() => document.querySelector('.attention-grid')?.dataset.shows?.startsWith('softmax')",
                 drawn="n => document.querySelector('.attention-grid').dataset.shows === `softmax padding ${n} 0 0`",
                 change="n => document.querySelector(`.thumb[data-at='${n} 0']`).click()")}


def fetch(folder: Path) -> dict[str, Path]:
    "Install BertViz into `folder`, and find what its pages need."
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, "bertviz==1.4.1"]
    subprocess.run([*map(str, pip)], check=True)
    sys.path.append(str(folder))
    return {part: npm.fetched(*package) / file for part, (*package, file) in CDN.items()}


def text_of(n_tokens: int) -> str:
    "The first words of our reviews that make exactly `n_tokens`."
    tokenizer, text = load_tokenizer(), ""
    for word in " ".join(bundled_reviews().text).split():
        if len(tokenizer(f"{text} {word}")["input_ids"]) <= n_tokens: text = f"{text} {word}"
    return text.strip()


def bertviz_page(maps: AttentionMaps) -> str:
    from bertviz import head_view
    return head_view([*maps.weights], maps.tokens[0], html_action="return").data


def measure(page_file: Path, view: str, files: dict[str, Path], layers: int) -> dict:
    "What `page_file` costs in a browser of its own: ms to the first paint and to another layer, MB after four layers."
    parts = VIEWS[view]
    path = chromium.got()
    with sync_playwright() as p, tempfile.TemporaryDirectory() as profile:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
        browser = p.chromium.launch_persistent_context(profile, executable_path=path, args=flags,
                                                       viewport=dict(width=1200, height=900))
        page = browser.pages[0]
        page.set_default_timeout(120_000)

        def serve(route):
            part = next((part for part in files if part in route.request.url), None)
            route.fulfill(path=files[part], content_type="text/javascript") if part else route.abort()
        page.route(lambda url: url.startswith("https:"), serve)
        page.add_init_script(WATCH % parts["painted"])
        page.goto(page_file.as_uri(), wait_until="commit")
        paint = page.wait_for_function("() => window.painted").json_value()
        switches = [page.evaluate(SWITCH, [parts["change"], parts["drawn"], layer]) for layer in (layers - 1, 1, 3)]
        page.wait_for_timeout(1000)  # memory comes down when the browser likes
        renderers = [q for q in psutil.process_iter(["cmdline"]) if "--type=renderer" in (q.info["cmdline"] or [])
                     and any(profile in " ".join(parent.cmdline()) for parent in q.parents())]
        memory = max(q.memory_full_info().pss for q in renderers)/2**20
        browser.close()
    return dict(paint=paint, memory=memory, switch=statistics.median(switches))


def best(runs: list[dict]) -> dict: return {name: min(run[name] for run in runs) for name in runs[0]}


def side_by_side(folder: Path, files: dict, maps: AttentionMaps):
    "Both pages of `maps`, by turns, the best of each."
    pages, n = {"BertViz": bertviz_page(maps), "grid": AttentionGrid(maps).page()}, maps.n_tokens
    sizes = {name: len(page.encode()) for name, page in pages.items()}
    for name, page in pages.items(): (folder / f"{name}.html").write_text(page, encoding="utf-8")
    runs = [{name: measure(folder / f"{name}.html", name, files, maps.n_layers) for name in pages}
            for _ in range(ROUNDS)]
    theirs, ours = (best([run[name] for run in runs]) for name in pages)
    shape = f"{maps.n_layers} × {maps.n_heads} × {n} tokens"
    row(f"size of an attention page, {shape}", sizes["grid"]/1e6, sizes["BertViz"]/1e6, "BertViz", "MB")
    for what, part in (("first paint", "paint"), ("another layer", "switch"), ("memory", "memory")):
        unit = "MB" if part == "memory" else "ms"
        row(f"{what}, {shape}", ours[part], theirs[part], "BertViz", unit)


def alone(folder: Path, maps: AttentionMaps):
    "The grid where BertViz doesn't open: its page would have about 45 bytes for each weight."
    begin = time.perf_counter()
    path = AttentionGrid(maps).save(folder / "large.html")
    saving = time.perf_counter() - begin
    size, m = path.stat().st_size, best([measure(path, "grid", {}, maps.n_layers)])
    estimate = maps.weights.numel()*45/1e6
    row(f"size of an attention page, {maps.n_tokens} tokens", size/1e6, estimate, "BertViz, estimated", "MB",
        f"saved in {saving:.1f} s; first paint {m['paint']:.0f} ms, another layer {m['switch']:.0f} ms, "
        f"{m['memory']:.0f} MB of memory")


def main():
    transformers.logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = fetch(folder)
        for n in (32, 64, 128): side_by_side(folder, files, replace(attention_maps(text_of(n)), scores=None))
        alone(folder, attention_maps(text_of(512)))


if __name__ == "__main__": main()
