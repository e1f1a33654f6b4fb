"The drawn diagrams: what they show is true, nothing in them overlaps, and the files are what the script draws."
import contextlib, io, re
from html import unescape
from xml.etree import ElementTree

import diagrams, nbformat, pytest, slides, torch
from drawing import Drawing
from places import tracked
from study_group.checkpoints import BUNDLED, load
from transformers import AutoModelForQuestionAnswering

NAMES = list(diagrams.ALL)


@pytest.fixture(scope="module")
def bundled(): return load()


def test_the_three_steps_are_the_models_own(bundled):
    model, tokenizer = bundled
    inputs = tokenizer(diagrams.TEXT, return_tensors="pt")
    assert (inputs.tokens(), inputs["input_ids"][0].tolist()) == (diagrams.TOKENS, diagrams.IDS)
    with torch.no_grad(): logits = model(**inputs).logits
    for drawn, numbers in (diagrams.LOGITS, logits), (diagrams.SCORES, logits.softmax(-1)):
        assert drawn == {model.config.id2label[n]: round(x, 4) for n, x in enumerate(numbers[0].tolist())}


def test_the_tokenizers_stages_are_its_own(bundled):
    tokenizer, drawn = bundled[1], diagrams.STAGES
    chain, whole = tokenizer.backend_tokenizer, tokenizer(drawn["text"])
    tidy = chain.normalizer.normalize_str(drawn["text"])
    words = [word for word, _ in chain.pre_tokenizer.pre_tokenize_str(tidy)]
    pieces = [token.value for word in words for token in chain.model.tokenize(word)]
    assert drawn == {"text": drawn["text"], "normalizer": [tidy], "pre-tokenizer": words, "model": pieces,
                     "post-processor": whole.tokens(), "ids": whole["input_ids"]}


def test_rows_and_windows_are_the_tokenizers_own(bundled):
    tokenizer = bundled[1]
    assert diagrams.RAGGED == {text: tokenizer(text).tokens() for text in diagrams.RAGGED}
    assert len(tokenizer.tokenize(diagrams.LONG)) == 16
    cut = tokenizer(diagrams.LONG, truncation=True, max_length=8, stride=2, return_overflowing_tokens=True)
    assert diagrams.WINDOWS == [cut.tokens(n) for n in range(len(cut["input_ids"]))]


def test_shapes_are_the_models_own(bundled):
    model, tokenizer = bundled
    slides = "I've been waiting for a HuggingFace course my whole life.", "I hate this so much!"
    inputs = tokenizer(slides, padding=True, return_tensors="pt")
    with torch.no_grad(): states = model.base_model(**inputs).last_hidden_state
    assert tuple(states.shape) == diagrams.SHAPE
    c = model.config
    assert (c.n_layers, c.n_heads, c.hidden_dim) == (diagrams.N_LAYERS, diagrams.N_HEADS, diagrams.MIDDLE)


def test_weights_find_their_names_as_drawn():
    model, info = AutoModelForQuestionAnswering.from_pretrained(BUNDLED, output_loading_info=True)
    def pairs(patterns): return {p.replace("*", end) for p in patterns for end in ("weight", "bias")}
    assert info["unexpected_keys"] == pairs(diagrams.UNEXPECTED)
    assert info["missing_keys"] == pairs(diagrams.MISSING)
    body = [name for name in model.state_dict() if name.startswith("distilbert.")]
    assert len(body) == 100 and set(body) < set(load()[0].state_dict())
    for pattern, n in diagrams.MATCHED.items():
        start, end = pattern.rstrip("*").split("…") if "…" in pattern else ("", pattern.rstrip("*"))
        assert sum(name.startswith(start) and end in name for name in body) == n


def test_vectors_are_what_the_matrices_and_the_layer_make():
    x = torch.tensor(diagrams.X)
    got = {name: (x @ torch.tensor(m)).tolist() for name, m in diagrams.MATRICES.items()}
    assert got == {"query": [0, 2], "key": [2, 0], "value": [1, 0]}
    assert all(f"{numbers}" in diagrams.ALL["q-k-v"][2] for numbers in got.values())
    added = torch.tensor(diagrams.CAME_IN) + torch.tensor(diagrams.CHANGE)
    assert torch.allclose(torch.tensor(diagrams.NORMED), torch.nn.LayerNorm(4)(added), atol=1e-3)


def test_freezing_freezes_what_is_drawn(bundled):
    fastai = pytest.importorskip("fastai.learner")
    from study_group import blurr
    model, tokenizer = bundled
    def frozen(call, **options):
        dls = blurr.TextDataLoader(["A film.", "No!"], *blurr.get_hf_objects((model, tokenizer)), bs=2)
        learn = fastai.Learner(fastai.DataLoaders(dls, dls), blurr.BaseModelWrapper(model), loss_func=len,
                               splitter=blurr.blurr_splitter, **options)
        eval(f"learn.{call}", dict(learn=learn))
        return [[p.requires_grad for p in group] for group in blurr.blurr_splitter(model)]
    norms = {id(p) for name, p in model.named_parameters() if "norm" in name.lower()}
    is_norm = [[id(p) in norms for p in group] for group in blurr.blurr_splitter(model)]
    assert [any(group) for group in is_norm] == [True, True, False, False]  # drawn in the first two groups alone
    for call, learning in diagrams.FREEZING.items():
        assert frozen(call) == [[i in learning or norm for norm in group] for i, group in enumerate(is_norm)]
        assert frozen(call, train_bn=False) == [[i in learning]*len(group) for i, group in enumerate(is_norm)]


def test_the_files_are_what_the_script_draws(monkeypatch, tmp_path):
    assert diagrams.differing() == []
    monkeypatch.setattr(diagrams, "FOLDER", tmp_path/"new")
    assert diagrams.main([]) == 0 and diagrams.differing() == []
    (tmp_path/"new/layer.svg").write_text("mine")
    (tmp_path/"new/old.svg").write_text("")
    (tmp_path/"new/windows.svg").unlink()
    said = io.StringIO()
    with contextlib.redirect_stdout(said): assert diagrams.main(["--check"]) == 1
    assert said.getvalue().split() == ["layer", "old", "windows"]
    assert diagrams.main([]) == 0 and diagrams.differing() == []


@pytest.mark.parametrize("name", NAMES)
def test_each_says_what_it_shows(name, capsys):
    title, alt, words, _ = diagrams.ALL[name]
    svg = diagrams.drawn(name)
    root = ElementTree.fromstring(svg)
    assert [root.find(f"{{*}}{tag}").text for tag in ("title", "desc")] == [title, words]
    assert len(svg.encode()) < 15_000 and 8 < len(alt.split()) < 40 and len(words.split()) > 20
    assert diagrams.main(["--markdown", name]) == 0
    picture, folded = capsys.readouterr().out.strip().split("\n\n")
    assert picture == f"![{alt}](images/diagrams/{name}.svg)" and unescape(folded).endswith(f"<p>{words}</p></details>")
    assert slides.rendered(folded).strip() == folded  # as it is, where there is less Markdown than elsewhere


def test_an_unknown_name_lists_the_names():
    with pytest.raises(SystemExit, match="one of: three-steps, .*you-are-here-7"): diagrams.main(["--markdown", "x"])


def test_words_that_do_not_fit_are_an_error():
    d = Drawing()
    with pytest.raises(ValueError, match="'a long word' doesn't fit into 80"): d.box(24, 24, 80, 40, "a long word")
    with pytest.raises(ValueError, match="leaves the picture"): d.text(600, 24, "a long word", at="start")


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps(name, chrome):
    page = chrome.new_page(viewport=dict(width=640, height=640))
    page.goto((diagrams.FOLDER/f"{name}.svg").as_uri())
    found = page.evaluate("""() => {
        const all = (what) => [...document.querySelectorAll(what)];
        const place = (node) => { const {x, y, width, height} = node.getBBox(); return [x, y, x + width, y + height]; };
        const inside = ([a, b, c, d], [e, f, g, h]) => a >= e && b >= f && c <= g && d <= h;
        const meet = ([a, b, c, d], [e, f, g, h]) => a < g && e < c && b < h && f < d;
        const texts = all("text").map((node) => [node.textContent, place(node)]);
        const boxes = all("rect:not(.card, .frame)").map(place), card = place(all(".card")[0]), bad = [];
        texts.forEach(([words, at], n) => {
            if (!inside(at, card)) bad.push(`${words} leaves the card`);
            for (const box of boxes) if (meet(at, box) && !inside(at, box)) bad.push(`${words} is across an edge`);
            for (const [other, there] of texts.slice(n + 1)) if (meet(at, there)) bad.push(`${words} meets ${other}`);
        });
        boxes.forEach((box, n) => boxes.slice(n + 1).forEach((other) => {
            if (meet(box, other) && !inside(box, other) && !inside(other, box)) bad.push(`boxes meet at ${box}`);
        }));
        return bad;
    }""")
    page.close()
    assert found == []


def test_notebooks_have_them_with_their_words():
    for path in tracked("nbs", suffix=".ipynb"):
        for source in (c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown"):
            for name in re.findall(r"images/diagrams/([^.)]*)", source):
                picture, folded = diagrams.markdown(name).split("\n\n")
                assert picture.partition("(")[0] in source and folded in source, f"{path}: --markdown {name}"
