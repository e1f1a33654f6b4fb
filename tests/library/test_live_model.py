"""A page's model gives torch's numbers, with its kernel and without. Node runs it; both sides exchange files."""
import json, re, shutil, subprocess, sys

import numpy as np, pytest, torch
from npm import command

from study_group.attending.listening import listen
from study_group.core.checkpoints import BUNDLED, load_model, load_shared
from study_group.core.running import run_model
from study_group.data import bundled_reviews
from study_group.widgets.scripts import STATIC, bundle

NEAR = dict(logits=2e-5, hidden=2e-5, weights=2e-5, scores=4e-5)  # scores are up to 80: torch's own are off by 3e-5
PADS = 2e-4  # what a pad becomes where no word may look at it hangs on little: torch's own is off by 4e-5
KERNEL = STATIC / "live/kernel.wasm"
KERNELS = pytest.mark.parametrize("kernel", [KERNEL, None], ids=["WebAssembly", "plain JavaScript"])
DRIVER = """import { distilBert } from "./live/model.js";
import { HALF } from "./live/memory.js";
import fs from "node:fs";
const [kernel, checkpoint] = process.argv.slice(2);
const file = new Uint8Array(fs.readFileSync(`${checkpoint}/model.safetensors`)).buffer;
const config = JSON.parse(fs.readFileSync(`${checkpoint}/config.json`, "utf8"));
const compiled = kernel ? new WebAssembly.Module(fs.readFileSync(kernel)) : null;
const model = distilBert(file, config, compiled);
function through(steps) { for (;;) { const { done, value } = steps.next(); if (done) return value; } }
function write(name, arrays) {
  fs.writeFileSync(name, "");
  for (const array of arrays) fs.appendFileSync(name, new Uint8Array(new Float32Array(array).buffer));
}
function said(wrong) { try { wrong(); return "nothing"; } catch (error) { return error.message; } }
"""
RUN = """JSON.parse(fs.readFileSync("asked.json", "utf8")).forEach(([ids, mask], i) => {
  const { logits, hidden, scores, weights } = through(model.forward(ids, mask));
  Object.entries({ logits, hidden, scores, weights }).forEach(([name, arrays]) => write(`${name}-${i}`, arrays));
});"""


@pytest.fixture(scope="module")
def models(): return {kind: load_model(attn_implementation=kind) for kind in ("sdpa", "eager")}


def node(folder, script: str, kernel=KERNEL) -> str:
    "Run `script` behind the driver in `folder`; what it prints."
    (folder / "run.mjs").write_text(bundle(DRIVER + script, "run.js", {}), encoding="utf-8")
    run = [command("node"), "run.mjs", str(kernel or ""), str(BUNDLED)]
    done = subprocess.run(run, cwd=folder, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return done.stdout


def ours(folder, batches: list[tuple], kernel=KERNEL) -> list[dict[str, torch.Tensor]]:
    "The stages of each of `batches`, (ids, mask), as the page's model gives them."
    asked = [(ids.tolist(), mask.long().flatten(1).tolist()) for ids, mask in batches]
    (folder / "asked.json").write_text(json.dumps(asked))
    node(folder, RUN, kernel)
    def read(name, i, rows, n):
        found = torch.from_numpy(np.fromfile(folder / f"{name}-{i}", np.float32))
        shape = dict(logits=(rows, 2), hidden=(7, rows, n, 384)).get(name, (6, rows, 12, n, n))
        return found.reshape(shape)
    return [{name: read(name, i, *ids.shape) for name in NEAR} for i, (ids, _) in enumerate(batches)]


def torchs(model, ids, mask) -> dict[str, torch.Tensor]:
    "The same by torch; weights where `model` gives them, scores where the mask is one of keys."
    kind = model.config._attn_implementation
    if mask.ndim == 3:
        mask = mask.bool()[:, None]
        if kind == "eager": mask = torch.zeros(mask.shape).masked_fill(~mask, torch.finfo(torch.float32).min)
    inputs = dict(input_ids=ids, attention_mask=mask)
    with torch.no_grad(): out = run_model(inputs, model, output_hidden_states=True, output_attentions=kind == "eager")
    found = dict(logits=out.logits, hidden=torch.stack(out.hidden_states))
    if kind == "eager": found["weights"] = torch.stack(out.attentions)
    if mask.ndim == 2 and mask.any(1).all(): found["scores"] = listen(model, inputs, None, True)["scores"]
    return found


def same(found: dict, want: dict, real=None):
    "Where not all tokens are `real`, the rest may be further off."
    for name, value in want.items():
        off, size = (found[name] - value).abs(), torch.tensor(NEAR[name])
        if name == "hidden" and real is not None: size = torch.where(real.bool(), size, PADS)[..., None]
        assert found[name].shape == value.shape and (off <= size).all(), f"{name} are off by {off.max()}"


def batch(texts: list[str], side="right") -> tuple:
    inputs = load_shared()[1](texts, padding=True, truncation=True, padding_side=side, return_tensors="pt")
    return inputs["input_ids"], inputs["attention_mask"]


def check_reviews(folder, models, how_many: int, kernel):
    batches = [batch([text]) for text in bundled_reviews().text[:how_many]]
    for found, asked in zip(ours(folder, batches, kernel), batches, strict=True):
        for model in models.values():
            same(found, want := torchs(model, *asked))
            assert found["logits"].argmax() == want["logits"].argmax()


@KERNELS
def test_reviews(tmp_path, models, kernel): check_reviews(tmp_path, models, 40 if kernel else 8, kernel)


@pytest.mark.extra
@KERNELS
def test_all_reviews(tmp_path, models, kernel): check_reviews(tmp_path, models, 300, kernel)


TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it.", "Bad."]


@KERNELS
def test_padded_batches_under_any_mask(tmp_path, models, kernel):
    left, right = batch(TEXTS, "left"), batch(TEXTS)
    n, some = right[0].shape[1], torch.Generator().manual_seed(0)
    bits = torch.rand(right[0].shape, generator=some) < .6
    pairs = torch.rand(3, n, n, generator=some) < .6
    pairs |= torch.eye(n, dtype=torch.bool)  # none but looks at itself
    causal = torch.ones(3, n, n).tril() * right[1][:, None]
    batches = [left, right, (right[0], torch.ones_like(bits)), (right[0], bits), (right[0], pairs), (right[0], causal)]
    for found, asked in zip(ours(tmp_path, batches, kernel), batches, strict=True):
        for model in models.values(): same(found, torchs(model, *asked), right[1] if asked is not left else left[1])


@KERNELS
def test_where_nothing_may_be_looked_at_there_is_nothing(tmp_path, models, kernel):
    ids, mask = batch(TEXTS)
    rows, pairs = mask.clone(), mask[:, None].repeat(1, mask.shape[1], 1)
    rows[1] = pairs[0, 2] = 0
    batches = [(ids, rows), (ids, pairs)]
    every, one = ours(tmp_path, batches, kernel)
    for found, asked in zip((every, one), batches): same(found, torchs(models["sdpa"], *asked), mask)
    assert not every["weights"][:, 1].any() and not one["weights"][:, 0, :, 2].any()
    assert every["weights"][:, 0].sum(-1).allclose(torch.ones(())) and every["scores"][:, 1].any()


def test_the_longest_text(tmp_path, models):
    asked = batch([" ".join(bundled_reviews().text[:60])])
    assert asked[0].shape == (1, 512)
    same(ours(tmp_path, [asked])[0], torchs(models["eager"], *asked))


def test_shapes_from_one_token_on(tmp_path, models):
    batches = [(torch.arange(1000, 1000 + n)[None], torch.ones(1, n)) for n in (1, 2, 3, 4, 5, 7, 8, 9, 33)]
    for found, asked in zip(ours(tmp_path, batches), batches, strict=True): same(found, torchs(models["sdpa"], *asked))


def test_half_precision_is_numpys(tmp_path):
    node(tmp_path, 'write("half", [HALF])')
    want = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
    np.testing.assert_array_equal(np.fromfile(tmp_path / "half", np.float32), want)


def test_what_is_kept_and_when_it_breathes(tmp_path):
    script = """const steps = model.forward([[101, 102], [101, 102]], [[1, 1], [1, 1]], ["hidden"]);
    const yielded = [];
    for (;;) { const { done, value } = steps.next(); if (done) { console.log(JSON.stringify([yielded,
      Object.entries(value).map(([name, found]) => [name, found.length])])); break; } yielded.push(value); }"""
    layers, lengths = json.loads(node(tmp_path, script))
    assert layers == [*range(6)]*2
    assert dict(lengths) == dict(logits=2, hidden=7, scores=0, weights=0, query=0, key=0)


def test_one_run_at_a_time(tmp_path):
    script = """const ask = () => model.forward([[101, 2204, 102]], [[1, 1, 1]]);
    const [first, second] = [ask(), ask()];
    first.next();
    const alone = through(second).logits;
    console.log(said(() => first.next()), JSON.stringify(alone) === JSON.stringify(through(ask()).logits));"""
    assert node(tmp_path, script) == "The model was asked something else meanwhile: ask again. true\n"


WRONG = {
    "no ids": ("[], []", "ids has rows of 0 tokens: the model takes 1 to 512."),
    "too many ids": ("[Array(513).fill(5)], []", "ids has rows of 513 tokens: the model takes 1 to 512."),
    "ragged": ("[[1, 2], [3]], [[1, 1], [1, 1]]", "ids[1] has 1 tokens, ids[0] has 2: pad them alike."),
    "an unknown id": ("[[1, 30522]], [[1, 1]]", "ids[0] has 30522: the vocabulary has 0 to 30521."),
    "no id": ("[[1, NaN]], [[1, 1]]", "ids[0] has NaN: the vocabulary has 0 to 30521."),
    "a short mask": ("[[1, 2, 3]], [[1, 1]]", "mask[0] has 2 bits: 3 or 3 × 3 are needed."),
    "no mask": ("[[1], [2]], [[1]]", "mask[1] has undefined bits: 1 or 1 × 1 are needed.")}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_it_cant_take_is_told(tmp_path, wrong):
    asked, want = WRONG[wrong]
    assert node(tmp_path, f"console.log(said(() => model.forward({asked}).next()))").strip() == want


def test_other_models_and_too_little_memory_are_told(tmp_path):
    script = """console.log(said(() => distilBert(file, { ...config, activation: "relu" }, compiled)));
    console.log(said(() => distilBert(file, { ...config, n_heads: 96 }, compiled)));
    WebAssembly.Memory = class { constructor() { throw new RangeError("could not allocate memory"); } };
    console.log(said(() => distilBert(file, config, compiled)));
    globalThis.Float32Array = class { constructor() { throw new RangeError("Array buffer allocation failed"); } };
    console.log(said(() => model.forward([[101, 102]], [[1, 1]]).next()));"""
    relu, heads, memory, stages = node(tmp_path, script).splitlines()
    assert relu == heads and "gelu" in relu and "config.json" in relu
    assert re.search(r"needs \d\d MB of memory.*close other tabs", memory)
    assert re.search(r"needs 1 MB of memory.*fewer and shorter texts", stages)


@pytest.mark.extra
def test_the_kernel_is_made_of_its_source(tmp_path):
    "By clang where there is one, else by PyPI's ziglang; another compiler's kernel gives the same numbers."
    source = (STATIC / "live/kernel.c").read_text(encoding="utf-8")
    how = re.search(r"clang (--target=wasm32 -msimd128) (.*?)kernel\.c -o kernel\.wasm", source, re.S)
    build, target = ["clang"], how[1].split()
    if not (shutil.which("clang") and shutil.which("wasm-ld")):
        pip = [sys.executable, "-m", "pip", "install", "-q", "--target", str(tmp_path / "zig"), "ziglang"]
        subprocess.run(pip, check=True)
        build = [sys.executable, str(tmp_path / "zig/ziglang"), "cc"]
        target = ["-target", "wasm32-freestanding", "-mcpu=generic+simd128"]
    made = tmp_path / "made.wasm"
    subprocess.run([*build, *target, *how[2].split(), str(STATIC / "live/kernel.c"), "-o", str(made)], check=True)
    if made.read_bytes() == KERNEL.read_bytes(): return
    batches = [batch(TEXTS), batch(TEXTS, "left")]
    for found, want in zip(ours(tmp_path, batches, made), ours(tmp_path, batches), strict=True): same(found, want)
