"Live pages in Firefox and in WebKit, which Safari is made of: the same answers to the same four decimals."
import pytest, torch
from engines import ENGINES, missing
from replay import write_engine

from study_group.pipeline import trace
from study_group.widgets.mask_bench import MaskBench

TEXTS = ["A great film!", "The plot is thin, but the actors carry it and I liked it."]
TYPED = "Ça alors, not a single dull moment — İstanbul 👍🏽!"
TYPE = """async () => {
    const until = async (found) => { while (!found()) await new Promise((go) => setTimeout(go, 50)); };
    const wrong = [];
    addEventListener("error", (event) => wrong.push(event.message));
    const buttons = () => [...document.querySelectorAll("button")];
    const button = () => buttons().find((b) => b.textContent.startsWith("Run the model"));
    await until(button);
    button().click();
    await until(() => /ithout Python/.test(document.querySelector(".offline")?.textContent) && !button());
    const box = document.querySelector(".mask-bench textarea");
    box.value = TYPED;
    box.dispatchEvent(new Event("input", { bubbles: true }));
    const model = document.querySelector("[data-page]").study;
    await until(() => model.get("_results")[0]?.here && model.get("_view").texts[0] === TYPED);
    await until(() => document.querySelector(".mask-bench").getAttribute("aria-busy") === "false");
    return { ids: [...model.get("_results")[0].here], shown: document.querySelector(".here").innerText, wrong };
}"""


@pytest.mark.extra
@pytest.mark.parametrize("kind", ["beside", "inside"])
@pytest.mark.parametrize("engine", ENGINES)
def test_a_page_from_disk_answers_as_python_does(engine, kind, tmp_path):
    if lacking := missing(engine): pytest.skip(f"{', '.join(lacking)} isn't here")
    bench, path = MaskBench(TEXTS), tmp_path / "page.html"
    if kind == "inside": bench.save(path, live=True)
    else: path.write_text(f'<!doctype html><meta charset="utf-8">{bench.fragment(write_engine(tmp_path))}')
    with ENGINES[engine]() as opened: found = opened(path.as_uri(), TYPE.replace("TYPED", repr(TYPED)))
    logits = trace(TYPED).logits[0]
    assert found["wrong"] == [] and torch.allclose(torch.tensor(found["ids"]), logits, atol=2e-5)
    for number in logits.tolist(): assert f"{number:.4f}".replace("-", "−") in found["shown"]
    assert trace(TYPED).predictions[0]["label"] in found["shown"]
