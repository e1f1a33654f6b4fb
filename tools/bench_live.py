"""The model in a page, beside a kernel behind JupyterLab and beside onnxruntime-web on the same weights, in one run.

onnxruntime-web comes from npm; what writes its model comes from PyPI, both into .cache/, once.
"""
import statistics, subprocess, sys, tempfile, time
from pathlib import Path

import chromium, npm, psutil, torch
from bench import row
from playwright.sync_api import Browser, Page, sync_playwright
from website import served

from study_group.checkpoints import load
from study_group.core.checkpoints import BUNDLED
from study_group.widgets.engine import engine_data, engine_files
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.widgets.scripts import bundle, to_json

sys.path += [str(Path(__file__).parent.parent / "tests/helpers"), str(npm.CACHE / "onnx")]
from driver import Lab, jupyterlab

ORT = "1.23.2"
EXPORTER = ["onnx==1.23.2", "onnxscript==0.7.2", "onnx-ir==1.1.0", "ml_dtypes==0.6.0", "protobuf==7.36.2"]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
SHAPES, ROUNDS = [(1, 16), (1, 64), (1, 128)], 15
TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]
FORWARD = """<!doctype html><script src="ort.wasm.min.js"></script><script type="module">
const data = DATA;
BUNDLE
ort.env.wasm.numThreads = 1;
const theirs = await ort.InferenceSession.create("model.onnx", { executionProviders: ["wasm"] });
const file = await (await fetch("model.safetensors")).arrayBuffer();
const ours = distilBert(file, data.config, await WebAssembly.compile(fromBase64(data.kernel)));
function mine(ids) {
  const steps = ours.forward(ids, ids.map((row) => row.map(() => 1)), []);
  for (;;) { const { done, value } = steps.next(); if (done) return value.logits; }
}
async function peer(ids) {
  const shape = [ids.length, ids[0].length], ones = ids.map((row) => row.map(() => 1));
  const tensor = (values) => new ort.Tensor("int64", BigInt64Array.from(values.flat(), BigInt), shape);
  const { logits } = await theirs.run({ input_ids: tensor(ids), attention_mask: tensor(ones) });
  return [...logits.data];
}
globalThis.compare = async (rows, n, rounds) => {
  const ids = Array.from({ length: rows }, (_, r) => Array.from({ length: n }, (_, i) => 1000 + (i * 37 + r) % 20000));
  const [times, last] = [{ mine: [], peer: [] }, {}];
  for (let round = -2; round < rounds; round++) for (const [name, run] of Object.entries({ mine, peer })) {
    const begin = performance.now();
    last[name] = (await run(ids)).flat();
    if (round >= 0) times[name].push(performance.now() - begin);
  }
  return { ...times, off: Math.max(...last.mine.map((x, i) => Math.abs(x - last.peer[i]))) };
};
</script>"""
CLICKS = """async (times) => {
    const root = document.querySelector('.mask-bench'), found = [];
    for (let n = 0; n < times; n++) {
        const cell = root.querySelectorAll('.cell')[n % 8 + 1], begin = performance.now();
        cell.click();
        await new Promise((done) => {
            const see = () => (root.getAttribute('aria-busy') === 'false' ? done() : requestAnimationFrame(see));
            see();
        });
        found.push(performance.now() - begin);
        await new Promise((go) => setTimeout(go, 60));
    }
    return found;
}"""


def write_onnx(path: Path):
    "Write the bundled model as onnxruntime has it."
    if not (npm.CACHE / "onnx").is_dir():
        where = ["--target", npm.CACHE / "onnx", "--no-deps"]
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", *where, *EXPORTER], check=True)
    model, tokenizer = load()
    inputs = tokenizer(TEXTS, padding=True, return_tensors="pt")
    batch, n_tokens = torch.export.Dim("batch", min=1, max=64), torch.export.Dim("n_tokens", min=2, max=512)
    names = "input_ids", "attention_mask"
    torch.onnx.export(model, (), path, kwargs={name: inputs[name] for name in names}, input_names=[*names],
                      output_names=["logits"], dynamo=True, external_data=False, verbose=False,
                      dynamic_shapes={name: {0: batch, 1: n_tokens} for name in names})


def forward(browser: Browser, folder: Path):
    "One forward pass of the page's model beside onnxruntime-web's, by turns; the medians."
    ort = npm.fetched("onnxruntime-web", ORT) / "dist"
    for name in ("ort.wasm.min.js", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"):
        (folder / name).write_bytes((ort / name).read_bytes())
    (folder / "model.safetensors").write_bytes((BUNDLED / "model.safetensors").read_bytes())
    write_onnx(folder / "model.onnx")
    imports = 'import { distilBert } from "./live/model.js";\nimport { fromBase64 } from "./parts/numbers.js";\n'
    scripts = bundle(imports, "page.js", {})
    page = FORWARD.replace("DATA", to_json(engine_data({}))).replace("BUNDLE", scripts)
    (folder / "forward.html").write_text(page, encoding="utf-8")
    opened = browser.new_page()
    opened.goto(f"{served(folder)}/forward.html")
    opened.wait_for_function("() => globalThis.compare", timeout=120_000)
    for shape in SHAPES:
        found = opened.evaluate("([rows, n, rounds]) => compare(rows, n, rounds)", [*shape, ROUNDS])
        mine, peer = (statistics.median(found[name]) for name in ("mine", "peer"))
        row(f"forward of {shape[0]} × {shape[1]} in a page", mine, peer, "onnxruntime-web", "ms",
            f"logits apart by up to {found['off']:.0e}")
    opened.close()


def live_page(folder: Path, widget) -> str:
    "Write `widget` as a live page into `folder`; the page's name."
    files = engine_files()
    for name, data in files.items(): (folder / name).write_bytes(data)
    text = f'<!doctype html><meta charset="utf-8">{widget.fragment(next(iter(files)))}'
    (folder / "live.html").write_text(text, encoding="utf-8")
    return "live.html"


def start(page: Page):
    page.get_by_role("button", name="Run the model").click()
    page.locator(".offline", has_text="ithout Python").wait_for(timeout=60_000)


def clicks(browser: Browser, folder: Path):
    "A click in MaskBench until it is answered: in a live page, and in JupyterLab; by turns, the medians."
    url, courses = served(folder), folder / "course"
    courses.mkdir()
    with jupyterlab(courses) as address:
        lab = Lab(browser.new_page(viewport=dict(width=1400, height=1000)), address, courses)
        lab.notebook("from study_group.widgets.mask_bench import MaskBench")
        lab.show(f"MaskBench({TEXTS!r})", ".mask-bench")
        page = browser.new_page(viewport=dict(width=1400, height=1000))
        page.goto(f"{url}/{live_page(folder, MaskBench(TEXTS))}")
        start(page)
        times = [(page.evaluate(CLICKS, 24), lab.page.evaluate(CLICKS, 24)) for _ in range(3)]
        mine, kernels = (statistics.median([ms for run in runs for ms in run]) for runs in zip(*times))
        row("a click in MaskBench, answered in a live page", mine, kernels, "JupyterLab", "ms")
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", dict(rate=4))
        row("the same, on a CPU four times slower", statistics.median(page.evaluate(CLICKS, 12)), None, "", "ms")
        page.close()
        lab.close()


def first_answer(folder: Path, playwright, path: str):
    "From opening a page to its first answer to a typed text, with an empty cache; and the memory of the page then."
    with tempfile.TemporaryDirectory() as profile:
        browser = playwright.chromium.launch_persistent_context(profile, executable_path=path, args=FLAGS)
        page, begin = browser.pages[0], time.perf_counter()
        page.goto(f"{served(folder)}/{live_page(folder, PipelineStrip(TEXTS))}")
        start(page)
        page.locator("textarea").first.fill("Not a single dull moment.")
        page.wait_for_function("() => document.querySelector('.token')?.innerText !== undefined"
                               " && [...document.querySelectorAll('.token')].some((t) => t.innerText.includes('dull'))")
        seconds = time.perf_counter() - begin
        page.wait_for_timeout(2000)
        mine = [q for q in psutil.process_iter(["cmdline"]) if "--type=renderer" in (q.info["cmdline"] or [])
                and any(profile in " ".join(parent.cmdline()) for parent in q.parents())]
        memory = max(q.memory_full_info().pss for q in mine)/2**20
        row("a live page, from opening to its first answer", seconds, None, "", "s", f"{memory:.0f} MB of memory")
        browser.close()


if __name__ == "__main__":
    path = chromium.got()
    with sync_playwright() as p, tempfile.TemporaryDirectory() as work:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        forward(browser, Path(work))
        clicks(browser, Path(work))
        browser.close()
        first_answer(Path(work), p, path)
