"""Maps of a decoder and of cross-attention are the library's decoder_attentions and cross_attentions, for many
architectures; what the decoder reads is what it would be trained on, or what it writes; windows are named; nonsense."""
import copy
from functools import cache

import pytest, torch, transformers
from architectures import BART, BERT, LLAMA, T5
from hypothesis import given, settings, strategies as st
from matplotlib import pyplot as plt
from tiny_models import roberta_tokenizer
from tokenizers import processors
from traitlets import TraitError

from study_group.attending.masks import name_patterns
from study_group.attending.products import query_key
from study_group.attention import AttentionGrid, attention_maps, plot_attention, summarize

close = dict(atol=1e-5, rtol=1e-5)
TEXTS = ["No.", "A fine film, and I loved every minute of it."]
TARGETS = ["Und ob!", "Nein."]
N = len(roberta_tokenizer())
IDS = dict(pad_token_id=1, bos_token_id=0, eos_token_id=2)
MOE = dict(num_experts=2, expert_capacity=64)
STACKS = {"Bart": BART, "MBart": BART, "Marian": BART, "Pegasus": BART, "M2M100": BART, "T5": T5, "UMT5": T5,
          "PegasusX": BART | dict(block_size=4, num_global_tokens=2), "Blenderbot": BART, "BlenderbotSmall": BART,
          "BigBirdPegasus": BART | dict(attention_type="original_full"), "LongT5": T5 | dict(local_radius=4), "MT5": T5,
          "NllbMoe": BART | MOE | dict(encoder_sparse_step=2, decoder_sparse_step=2), "PLBart": BART,
          "SwitchTransformers": T5 | MOE | dict(num_sparse_encoder_layers=1, num_sparse_decoder_layers=1)}
KINDS = [*STACKS, "EncoderDecoder"]
GEMMA = LLAMA | IDS | dict(head_dim=8, sliding_window=4, vocab_size=N)
SEEING = dict(text_config=GEMMA, vision_config=BERT | dict(image_size=28, patch_size=14))
PROPHET = {f"{name}_{part}_{more}": n for part in ("encoder", "decoder") for name, more, n in
           (("num", "layers", 2), ("num", "attention_heads", 4))}
OWN = {"FSMT": BART | dict(src_vocab_size=N, tgt_vocab_size=N), "LED": BART | dict(attention_window=8), "Mvp": BART,
       "ProphetNet": PROPHET | dict(hidden_size=32, encoder_ffn_dim=36, decoder_ffn_dim=36, decoder_start_token_id=2),
       "SeamlessM4T": BART | dict(hidden_size=32, num_hidden_layers=2, max_position_embeddings=64),
       "T5Gemma": dict(encoder=GEMMA, decoder=GEMMA | dict(num_hidden_layers=3)),
       "T5Gemma2": dict(encoder=SEEING, decoder=GEMMA, decoder_start_token_id=2)}  # with scores not all of them do


@cache
def made(kind: str, writes: bool = False):
    "A small random model, with weights so large that attention isn't uniform; its decoder has three layers."
    torch.manual_seed(0)
    if kind == "EncoderDecoder":
        one, two = (transformers.BertConfig(**BERT | dict(vocab_size=N, **more))
                    for more in ({}, dict(is_decoder=True, add_cross_attention=True, num_hidden_layers=3)))
        config, more = transformers.EncoderDecoderConfig, dict(decoder_start_token_id=2, **IDS)
        model = transformers.EncoderDecoderModel(config.from_encoder_decoder_configs(one, two, **more))
    else:
        small = (STACKS | OWN)[kind]
        deep = {"decoder_layers": 3} if "decoder_layers" in small else {"num_decoder_layers": 3}
        config = getattr(transformers, f"{kind}Config")(**IDS | dict(vocab_size=N) | small | deep)
        head = "ForTextToText" if kind == "SeamlessM4T" else "ForConditionalGeneration" if writes else "Model"
        model = getattr(transformers, kind + head)(config)
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1: p.normal_(std=.3)
    return model.eval()


def library(model, maps, which):
    "What the library gives for the same inputs, with plain attention."
    plain = copy.deepcopy(model)
    for part in plain.modules():  # in transformers 5.15 each stack of a T5 has a setting of its own
        if config := getattr(part, "config", None): config._attn_implementation = "eager"
    reader = plain.get_encoder() if which == "encoder" else plain
    with torch.no_grad(): found = reader(**maps._inputs, output_attentions=True, use_cache=False)
    return torch.stack(found[dict(decoder="decoder_attentions", cross="cross_attentions").get(which, "attentions")])


def tokenized(model, text):
    "The ids that the decoder reads which writes `text`: by the library's function where it has one."
    labels = roberta_tokenizer()(text_target=text, return_tensors="pt")["input_ids"]
    if hasattr(model, "_shift_right"): return model._shift_right(labels)[0].tolist()
    if model.config.model_type in ("mbart", "plbart"): return [labels[0, -1].item(), *labels[0, :-1].tolist()]
    return [model.config.decoder_start_token_id, *labels[0, :-1].tolist()]


@pytest.mark.parametrize("which", ["decoder", "cross"])
@pytest.mark.parametrize("kind", KINDS)
def test_maps_are_the_librarys(kind, which):
    model, tokenizer = made(kind), roberta_tokenizer()
    maps = attention_maps(TEXTS, (model, tokenizer), which=which, targets=TARGETS, scores=True)
    torch.testing.assert_close(maps.weights, library(model, maps, which), **close)
    for row, text in enumerate(TARGETS):
        real = maps.queries.attention_mask[row].bool()
        assert maps.queries.input_ids[row][real].tolist() == tokenized(model, text)
        assert maps.queries.tokens[row] == tokenizer.convert_ids_to_tokens(maps.queries.input_ids[row].tolist())
    source = tokenizer(TEXTS, padding=True, return_tensors="pt")
    assert maps._inputs["input_ids"].equal(source["input_ids"])
    assert maps.keys.texts == (TEXTS if which == "cross" else TARGETS) and maps.queries.texts == TARGETS
    assert maps.keys.input_ids.equal(source["input_ids"]) if which == "cross" else maps.keys is maps.queries is maps
    assert maps.mask == dict(cross="padding", decoder="both")[which] and maps.n_layers == 3
    assert maps.stage("masked").softmax(-1).sub(maps.weights).abs().max() < 1e-5
    assert (maps.n_query, maps.n_key) == maps.weights.shape[-2:] == (9, 29 if which == "cross" else 9)
    assert f"of {'9 × 29' if which == 'cross' else 9} tokens" in repr(maps)


NONE = "gives no token × token attention weights"
REFUSED = {"LED": {"encoder": f"LEDEncoder {NONE} .its attention is within windows of 8"},
           "LongT5": {"encoder": f"LongT5Stack {NONE}"}, "PegasusX": {"encoder": f"PegasusXEncoder {NONE}"},
           "ProphetNet": {"encoder": f"ProphetNetEncoder {NONE}", "cross": f"ProphetNetModel {NONE}"},
           "T5Gemma2": dict.fromkeys(("decoder", "cross"), f"T5Gemma2Model {NONE}"),  # it attends to both at once
           "FSMT": dict.fromkeys(("encoder", "decoder", "cross"), "FSMTModel has an encoder that can't run on its own")}


@pytest.mark.filterwarnings("error:.* the rest is cut off")
@pytest.mark.parametrize("which", ["encoder", "decoder", "cross"])
@pytest.mark.parametrize("kind", [*STACKS, *OWN])
def test_every_part_is_the_librarys_or_refused(kind, which):
    "Of all that read texts and write others: nothing is shown that isn't the weights, and no bare error is raised."
    model, targets = made(kind), None if which == "encoder" else TARGETS
    if said := REFUSED.get(kind, {}).get(which):
        with pytest.raises(ValueError, match=said):
            attention_maps(TEXTS, (model, roberta_tokenizer()), which=which, targets=targets)
        return
    maps = attention_maps(TEXTS, (model, roberta_tokenizer()), which=which, targets=targets)
    torch.testing.assert_close(maps.weights, library(model, maps, which), **close)
    torch.testing.assert_close(maps.weights.sum(-1), torch.ones(maps.weights.shape[:-1]), **close)


@pytest.mark.parametrize("kind, which, mask", [
    ("Bart", "cross", "none"), ("T5", "cross", "none"), ("T5", "cross", "padding"), ("Bart", "decoder", "none"),
    ("Bart", "decoder", "padding")])
def test_under_another_mask(kind, which, mask):
    "The library's model is told by a mask of ones, or by one of four dimensions, what it may look at."
    model, given = made(kind), dict(which=which, targets=TARGETS)
    maps = attention_maps(TEXTS, (model, roberta_tokenizer()), **given).remask(mask)
    assert maps.weights.equal(attention_maps(TEXTS, (model, roberta_tokenizer()), mask=mask, **given).weights)
    assert maps.mask == mask and maps.part == which
    pads = maps.keys.attention_mask[:, None, None, None] == 0
    seen = maps.weights.movedim(1, 0).masked_select(pads).abs().sum()
    assert seen == 0 if mask == "padding" else seen > .1
    if which == "decoder": assert maps.weights.triu(1).abs().sum() > .1


@pytest.mark.parametrize("kind", ["Bart", "T5", "Pegasus"])
def test_the_model_writes_what_is_not_given(kind):
    model = made(kind, writes=True)
    inputs = roberta_tokenizer()(TEXTS, padding=True, return_tensors="pt")
    theirs = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=32, use_cache=False)
    ends = sorted({*theirs[0, 4:].tolist()})[0]
    before = model.generation_config.eos_token_id
    try:
        for end in (ends, [ends, 319]):
            model.generation_config.eos_token_id = end
            maps = attention_maps(TEXTS, (model, roberta_tokenizer()), which="cross")
            wanted = theirs[0].tolist()
            wanted = wanted[:wanted.index(ends, 1)]
            assert maps.queries.input_ids[0][maps.queries.attention_mask[0].bool()].tolist() == wanted
            torch.testing.assert_close(maps.weights, library(model, maps, "cross"), **close)
            assert maps.queries.kinds[0][0] == "special"
    finally: model.generation_config.eos_token_id = before


def test_a_model_that_writes_is_loaded_where_it_is_needed(tmp_path):
    for kind, writes in (("Bart", True), ("T5", False)):
        made(kind, writes).save_pretrained(tmp_path/kind), roberta_tokenizer().save_pretrained(tmp_path/kind)
    maps = attention_maps(TEXTS[1], tmp_path/"Bart", which="decoder")
    again = attention_maps(TEXTS[1], (made("Bart", True), roberta_tokenizer()), which="decoder")
    torch.testing.assert_close(maps.weights, again.weights, **close)
    assert maps.texts == again.texts
    with pytest.raises(ValueError, match="has no trained head that writes: pass targets="):
        attention_maps(TEXTS, (made("Bart"), roberta_tokenizer()), which="cross")


@pytest.fixture(scope="module")
def cross():
    return attention_maps(TEXTS, (made("Bart"), roberta_tokenizer()), which="cross", targets=TARGETS, scores=True)


@pytest.mark.parametrize("row", [None, 0, 1])
def test_summaries_are_those_of_slow_loops(cross, row):
    table = summarize(cross, row)
    assert [*table.columns] == ["entropy", "special", "pad"]
    rows = range(2) if row is None else [row]
    for layer, head in ((0, 0), (2, 3)):
        found = dict(entropy=[], special=[], pad=[])
        for r in rows:
            for q, weights in enumerate(cross.weights[layer, r, head]):
                if not cross.queries.attention_mask[r, q]: continue
                real, special = cross.attention_mask[r].bool(), cross.special_tokens_mask[r].bool()
                found["entropy"].append(-sum(w*w.log2() for w in weights if w > 0).item())
                found["special"].append(weights[real & special].sum().item())
                found["pad"].append(weights[~real].sum().item())
        want = {name: sum(values)/len(values) for name, values in found.items()}
        assert table.loc[layer, head].to_dict() == pytest.approx(want, abs=1e-5, rel=1e-4)


def test_by_word_is_that_of_slow_loops(cross):
    def groups(axis, row):
        found = []
        for i, word in enumerate(axis.word_ids[row]):
            if word is not None and i and axis.word_ids[row][i - 1] == word: found[-1].append(i)
            else: found.append([i])
        return found
    for row in range(2):
        words = cross.by_word(row)
        looks, looked = groups(cross.queries, row), groups(cross, row)
        assert (words.n_query, words.n_key) == (len(looks), len(looked))
        assert (len(words.queries.tokens[0]), len(words.tokens[0])) == (len(looks), len(looked))
        for a, query in enumerate(looks):
            for b, key in enumerate(looked):
                want = sum(cross.weights[:, row, :, i, j] for i in query for j in key)/len(query)
                torch.testing.assert_close(words.weights[:, 0, :, a, b], want, **close)
    assert words.queries.tokens[0][2:4] == ["Nein", "."] and "minute" in words.tokens[0][9]
    for call in (words.by_word, lambda: words.remask("none")):
        with pytest.raises(ValueError, match="These maps are of words"): call()


def test_a_plot_has_two_sides(cross):
    ax = plot_attention(cross, 2, 1, row=1)
    assert ax.images[0].get_array().shape == (9, 29)
    assert [t.get_text() for t in ax.get_yticklabels()] == cross.queries.tokens[1]
    assert [t.get_text() for t in ax.get_xticklabels()] == cross.tokens[1]
    assert "of the decoder looking at the encoder" in ax.get_title()
    plt.close("all")


# what a decoder reads in a grid

LONG = "sehr "*40
SAID = ["", LONG, "<img src=x onerror=alert(1)>", "\u202e مرحبا \x07", "🏳️‍🌈👩🏽‍🚀"]


def test_a_grid_takes_targets_as_it_takes_texts():
    checkpoint = made("T5", True), roberta_tokenizer()
    grid = AttentionGrid(TEXTS, checkpoint, which="cross")

    def shows(texts, targets, which="cross"):
        maps = attention_maps(texts, checkpoint, which=which, targets=targets)
        assert (grid.error, grid.texts, grid.targets, grid.which) == ("", texts, targets, which)
        assert (grid._view["texts"], grid._view["targets"]) == (texts, targets)
        assert grid._view["reads"] == (targets or maps.queries.texts) and grid.maps.weights.equal(maps.weights)
    shows(TEXTS, None)
    with pytest.warns(UserWarning, match=r"targets\[1\] has \d+ tokens, the model takes 64"): grid.targets = SAID[:2]
    assert grid._view["looks"]["cut"] == grid.maps.queries.cut and grid.maps.queries.cut[1] > 0
    for targets in (TARGETS, SAID[2:4], SAID[3:], ["", ""]):
        grid.targets = targets
        shows(TEXTS, targets)
    grid.which, grid.targets = "encoder", TARGETS
    assert (grid.error, grid._view["reads"], grid._view["targets"]) == ("", None, TARGETS)
    grid.which = "decoder"
    shows(TEXTS, TARGETS, "decoder")
    for remedy in (lambda: setattr(grid, "texts", TEXTS), lambda: setattr(grid, "targets", None),
                   lambda: setattr(grid, "targets", TARGETS[:1])):
        grid.texts = TEXTS[:1]
        assert "targets has 2 texts and texts has 1: pass one target for each text, or None" in grid.error
        assert grid.maps.texts == TARGETS and grid._view["texts"] == TEXTS
        traits = grid.page_state()[0]["traits"]
        assert (traits["texts"], traits["targets"], traits["error"]) == (TEXTS, TARGETS, "")
        remedy()
        shows(grid.texts, grid.targets, "decoder")
        with grid.hold_trait_notifications(): grid.texts, grid.targets = TEXTS, TARGETS
        shows(TEXTS, TARGETS, "decoder")
    for wrong, said in (([], "targets=[] is empty"), ([*TARGETS, 3], "targets[2]=3"), ([("a", "b")], "targets[0]=")):
        grid.targets = wrong
        assert said in grid.error and grid.targets == TARGETS
    grid.targets = TARGETS
    shows(TEXTS, TARGETS, "decoder")
    grid.mask = "none"
    grid.targets = ["Ja.", "Nein."]
    assert (grid.mask, grid._view["reads"]) == ("none", ["Ja.", "Nein."])


def test_targets_that_nothing_reads_are_refused():
    grid = AttentionGrid(TEXTS, (made("Bart"), roberta_tokenizer()), which="cross", targets=TARGETS)
    grid.targets = None
    assert "has no trained head that writes: pass targets=" in grid.error and grid._view["reads"] == TARGETS
    grid.targets = TARGETS
    assert grid.error == ""
    with pytest.raises(TraitError, match="targets are what a decoder reads"): AttentionGrid("a").targets = ["b"]
    of_maps = AttentionGrid(grid.maps)
    with pytest.raises(TraitError, match="targets can't be set: this grid shows maps"): of_maps.targets = ["b"]
    bare = roberta_tokenizer()
    bare.backend_tokenizer.post_processor = processors.ByteLevel()
    with pytest.raises(ValueError, match="One of targets gives no tokens: it is empty"):
        attention_maps(TEXTS, (made("T5"), bare), which="cross", targets=["a", ""])


# windows, chunks, heads that share

WINDOWS = {"Mistral": (LLAMA | dict(sliding_window=4), "sliding window of 4 in every layer"),
           "Gemma2": (LLAMA | dict(head_dim=8, sliding_window=5), "sliding window of 5 in layer 0"),
           "Gemma3Text": (LLAMA | dict(head_dim=8, sliding_window=4, num_hidden_layers=7),
                          "sliding window of 4 in layers 0–4, 6"),
           "Llama4Text": (LLAMA | dict(
               head_dim=8, attention_chunk_size=5, num_local_experts=2, intermediate_size_mlp=36, num_experts_per_tok=1,
               num_hidden_layers=4), "chunks of 5 in layers 0–2"),
           "ModernBert": (BERT | dict(global_attn_every_n_layers=2, local_attention=6, cls_token_id=0, sep_token_id=2),
                          "window of 3 tokens to each side in layer 1"),
           "GPTNeo": (dict(hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]],
                           window_size=4, max_position_embeddings=64), "sliding window of 4 in layer 1"),
           "Llama": (LLAMA, "")}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("kind", WINDOWS)
def test_what_a_mask_is_by_its_config(kind, side):
    options, said = WINDOWS[kind]
    config = getattr(transformers, f"{kind}Config")(**IDS | dict(vocab_size=N) | options)
    tokenizer = roberta_tokenizer()
    tokenizer.padding_side = side
    maps = attention_maps(TEXTS, (getattr(transformers, f"{kind}Model")(config).eval(), tokenizer))
    shared = "grouped: 4 query heads share 2 keys and values"*("num_key_value_heads" in options)
    assert maps.about == "; ".join(filter(None, [shared, said]))
    assert maps.mask == ("own" if said else "both") and maps.about in repr(maps)


@settings(deadline=None, max_examples=80)
@given(st.integers(2, 12), st.integers(1, 12), st.sampled_from(["window", "sides", "chunks"]), st.booleans())
def test_patterns_are_named(n, size, kind, left):
    place = torch.arange(n)
    away = place[:, None] - place
    made = dict(window=(away >= 0) & (away < size), sides=away.abs() <= size,
                chunks=(away >= 0) & (place[:, None]//size == place//size))[kind]
    real = torch.ones(1, n).long()
    found = name_patterns([made[None], torch.ones(1, n, n).bool().tril()], real)
    if size >= n - (kind == "sides"): assert found == ""
    elif size == 1 and kind != "sides": assert found == "sliding window of 1 in layer 0"
    else: assert found == dict(window=f"sliding window of {size}", sides=f"window of {size} tokens to each side",
                               chunks=f"chunks of {size}")[kind] + " in layer 0"


@pytest.mark.parametrize("kind, options, said", [
    ("BigBird", dict(attention_type="block_sparse", block_size=2, num_random_blocks=1), "block-sparse"),
    ("Longformer", dict(attention_window=8), "within windows of 8 tokens")])
def test_attention_that_leaves_most_out_is_named(kind, options, said):
    config = getattr(transformers, f"{kind}Config")(**IDS | BERT | dict(vocab_size=N) | options)
    model = getattr(transformers, f"{kind}Model")(config).eval()
    with pytest.raises(ValueError, match=f"{kind}Model gives no token × token .* .its attention is {said}"):
        attention_maps(TEXTS[1], (model, roberta_tokenizer()))


# nonsense

@pytest.mark.parametrize("options, error, said", [
    (dict(which="both"), ValueError, "which='both' isn't"), (dict(which=["cross"]), ValueError, "['cross'] isn't"),
    (dict(targets="a"), ValueError, "so they need which='decoder' or 'cross', not None"),
    (dict(which="encoder", targets=TARGETS), ValueError, "not 'encoder'"),
    (dict(which="cross", targets="a"), ValueError, "targets has 1 texts and texts has 2"),
    (dict(which="cross", targets=["a", ("b", "c")]), TypeError, "targets[1]=('b', 'c') must be a string"),
    (dict(which="cross", targets=["a", 3]), TypeError, "targets[1]=3"),
    (dict(which="cross", targets=3), TypeError, "targets=3"),
    (dict(which="cross", targets=TARGETS, mask="causal"), ValueError, "mask='causal' is for tokens of one text"),
    (dict(which="cross", targets=TARGETS, mask="x"), ValueError, "mask='x' isn't one of")])
def test_what_makes_no_sense(options, error, said):
    with pytest.raises(error) as e: attention_maps(TEXTS, (made("Bart"), roberta_tokenizer()), **options)
    assert said in str(e.value)


def test_models_without_such_sides():
    for which in ("encoder", "decoder", "cross"):
        with pytest.raises(ValueError, match=f"which='{which}' is for models with an encoder and a decoder"):
            attention_maps(TEXTS, which=which)
    config = transformers.WhisperConfig(**IDS, **{k: v for k, v in BART.items()}, vocab_size=N, num_mel_bins=8)
    with pytest.raises(ValueError, match="WhisperModel reads input_features, not texts"):
        attention_maps("a", (transformers.WhisperModel(config), roberta_tokenizer()), which="cross", targets="b")
    model = copy.deepcopy(made("T5"))
    model.config.decoder_start_token_id = None
    with pytest.raises(ValueError, match="decoder_start_token_id"):
        attention_maps("a", (model, roberta_tokenizer()), which="cross", targets="b")


def test_too_much_is_refused_before_the_model_runs(monkeypatch):
    monkeypatch.setattr("study_group.attending.maps.listen", lambda *_: 1/0)
    checkpoint, tokenizer = (made("T5"), roberta_tokenizer()), roberta_tokenizer()
    tokenizer.model_max_length = 5
    with pytest.warns(UserWarning, match=r"targets\[0\] has 9 tokens, the model takes 5"):
        with pytest.raises(ZeroDivisionError):
            attention_maps("a", (made("T5"), tokenizer), which="cross", targets="Und ob!")
    with pytest.raises(ValueError, match="more than 4,096"):
        tokenizer.model_max_length = 9999
        attention_maps("no", (made("T5"), tokenizer), which="cross", targets="so "*5000)
    monkeypatch.setattr("study_group.attending.axes.MAX_BYTES", 1000)
    with pytest.raises(ValueError, match=r"3 layers × 4 heads × 2 texts × 9 × 29 tokens × 4 bytes × 2, for scores"):
        attention_maps(TEXTS, checkpoint, which="cross", targets=TARGETS, scores=True)


@pytest.mark.parametrize("which", ["decoder", "cross"])
@pytest.mark.parametrize("kind", ["Bart", "T5", "EncoderDecoder"])
def test_a_weight_is_taken_to_pieces(kind, which):
    maps = attention_maps(TEXTS, (made(kind), roberta_tokenizer()), which=which, targets=TARGETS, scores=True)
    last = maps.n_key - 1 if which == "cross" else 2
    for layer, head, query, key in ((0, 0, 0, 0), (2, 3, 8, last), (1, 2, 3, 1)):
        found = query_key(maps, layer, head, query, key, row=1)
        at = layer, 1, head, query, key
        assert found.weight == pytest.approx(maps.weights[at].item(), abs=1e-5)
        assert found.score == pytest.approx(maps.scores[at].item(), abs=1e-4)
        assert found.tokens == (maps.queries.tokens[1][query], maps.keys.tokens[1][key])
