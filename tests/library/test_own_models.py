"Models that people bring: wrapped, trained on, of other architectures, with another head; right, or told in one line."
import copy, json, warnings

import architectures as sweep
import pytest, torch, transformers
from tiny_models import TEXTS, assert_same, gpt2_tokenizer, library, model, pair, wordpiece
from torch import nn
from transformers import (BartConfig, BartModel, BertConfig, BertForMaskedLM,
                          BertForSequenceClassification, BertForTokenClassification, BertModel, CLIPConfig, CLIPModel,
                          DebertaV2Config, DebertaV2ForSequenceClassification, DistilBertConfig,
                          DistilBertForSequenceClassification, FunnelConfig, FunnelForSequenceClassification,
                          Gemma3Config, Gemma3ForConditionalGeneration, GPTNeoConfig, GPTNeoModel,
                          LlamaConfig, LlamaForSequenceClassification, MobileBertConfig,
                          MobileBertForSequenceClassification, ModernBertConfig, ModernBertForSequenceClassification,
                          MptConfig, MptForSequenceClassification, Qwen2Config, Qwen2ForSequenceClassification,
                          T5Config, T5ForConditionalGeneration, T5Model)
from transformers.modeling_outputs import SequenceClassifierOutput

from study_group.attention import AttentionGrid, attention_maps
from study_group.checkpoints import CheckpointError, load_model, load_tokenizer
from study_group.models import anatomy, compare_outputs, heads, save_checkpoint, sentence_embeddings, token_labels
from study_group.padding import MaskBench, classify, mask_effect, masked_logits
from study_group.pipeline import PipelineStrip, trace

TWO = ["No.", "A fine film, and I loved every minute of it."]
SIZE = dict(vocab_size=30_522, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=36,
            pad_token_id=0)
BART = dict(vocab_size=30_522, d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4,
            decoder_attention_heads=4, encoder_ffn_dim=36, decoder_ffn_dim=36, pad_token_id=0)
T5 = dict(vocab_size=30_522, d_model=32, d_kv=8, d_ff=36, num_layers=2, num_heads=4, decoder_start_token_id=0)
BOTH = pytest.mark.parametrize("cls, config, size", [(BartModel, BartConfig, BART), (T5Model, T5Config, T5)],
                               ids=["bart", "t5"])


def made(cls, config, **more):
    "A seeded `cls`, evaluated, with weights so large that every token counts."
    torch.manual_seed(0)
    ours = cls(config(**more)).eval()
    with torch.no_grad():
        for weight in ours.parameters():
            if weight.ndim > 1: weight.normal_(0, .3)
    return ours


def with_pads(tokenizer): return tokenizer(TWO, padding=True, return_tensors="pt")


class Stand:
    "What the wrapper of a library that isn't installed has: the model inside, and answers as it gives them."
    class Peft(nn.Module):
        def __init__(self, inner, prompt=False):
            super().__init__()
            self.base_model = nn.Sequential(inner)
            self.active_peft_config = type("Config", (), dict(is_prompt_learning=prompt))
        def get_base_model(self): return self.base_model[0]
        def merge_and_unload(self): return self.get_base_model()
        def forward(self, **inputs): return self.get_base_model()(**inputs)


WRAPPERS = dict(compiled=lambda m: torch.compile(m, backend="eager"), data_parallel=nn.DataParallel, peft=Stand.Peft,
                both=lambda m: torch.compile(nn.DataParallel(m), backend="eager"))


# the one runner: evaluates and puts the mode back, pads on either side, takes the encoder

def test_a_model_in_training_answers_as_an_evaluated_one():
    size, tokenizer = dict(SIZE, hidden_dropout_prob=.5), wordpiece()
    tagger, body = (made(cls, BertConfig, **size) for cls in (BertForTokenClassification, BertModel))
    wanted = token_labels(TWO, (tagger, tokenizer)), sentence_embeddings(TWO, (body, tokenizer))
    for part in (tagger, body): part.train()
    assert token_labels(TWO, (tagger, tokenizer)) == wanted[0]
    assert torch.equal(sentence_embeddings(TWO, (body, tokenizer)), wanted[1])
    assert compare_outputs((body, tokenizer), (body, tokenizer), TWO)["max_difference"] == 0
    assert all(m.training for part in (tagger, body) for m in part.modules())


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_embeddings_on_either_side_are_those_of_the_text_alone(name, side):
    make = wordpiece if name == "bert" else gpt2_tokenizer
    checkpoint = model(name).base_model, make(padding_side=side)
    alone = [checkpoint[0](**checkpoint[1](text, return_tensors="pt")).last_hidden_state.mean(1) for text in TWO]
    assert torch.allclose(sentence_embeddings(TWO, checkpoint), torch.cat(alone), rtol=1e-5, atol=1e-5)


@BOTH
def test_embeddings_are_the_encoders(cls, config, size):
    both, tokenizer = made(cls, config, **size), wordpiece()
    alone = [both.get_encoder()(**tokenizer(text, return_tensors="pt")).last_hidden_state.mean(1) for text in TWO]
    assert torch.allclose(sentence_embeddings(TWO, (both, tokenizer)), torch.cat(alone), rtol=1e-5, atol=1e-5)


@BOTH
def test_two_encoder_decoders_part_where_the_decoder_does(cls, config, size):
    ours, tokenizer = made(cls, config, **size), wordpiece()
    other = copy.deepcopy(ours)
    with torch.no_grad(): [weight for weight in other.decoder.parameters() if weight.ndim > 1][-1].mul_(2)
    found = compare_outputs((ours, tokenizer), (other, tokenizer), TWO)
    assert found["where"].startswith("decoder") and found["differences"]["encoder layer 2"] == 0


# pads that a model reads

class Called(Qwen2ForSequenceClassification):
    def forward(self, *args, **kwargs): return super().forward(*args, **kwargs)


@pytest.mark.parametrize("wrap", [lambda m: m, *WRAPPERS.values()], ids=["plain", *WRAPPERS])
@pytest.mark.parametrize("cls", [Qwen2ForSequenceClassification, Called])
def test_a_pad_that_the_model_reads_is_told_whatever_is_around_it(cls, wrap):
    checkpoint = wrap(made(cls, Qwen2Config, **SIZE | dict(pad_token_id=5, num_key_value_heads=2))), wordpiece()
    for ask in (trace, classify, mask_effect, MaskBench):
        with pytest.raises(ValueError, match="pads with id 0, the model expects 5: set model.config.pad_token_id"):
            ask(TWO, checkpoint)
    trace(TWO[0], checkpoint)  # no pads


def test_a_model_whose_layers_read_pads_is_told():
    size = dict(SIZE, embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16)
    checkpoint = made(MobileBertForSequenceClassification, MobileBertConfig, **size), wordpiece()
    for ask in (trace, classify, mask_effect, MaskBench, sentence_embeddings):
        with pytest.raises(ValueError, match="MobileBert.* reads padding, whatever the mask says: pass texts"):
            ask(TWO, checkpoint)
    for text in TWO: assert_same(trace([text], checkpoint).predictions, library(checkpoint)([text]))
    with torch.no_grad(): checkpoint[0].mobilebert.embeddings.word_embeddings.weight[0] = 0  # as beyond the text's end
    assert_same(trace(TWO, checkpoint).predictions, library(checkpoint)(TWO))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("name", ["bert", "distilbert", "roberta", "gpt2"])
def test_a_coarse_model_is_no_reader_of_pads(name, dtype):
    ours, tokenizer = pair(name)
    fine = trace(TEXTS, (ours, tokenizer)).probabilities
    coarse = ours.to(dtype).train(), tokenizer
    for ask in (classify, mask_effect, MaskBench, sentence_embeddings): ask(TEXTS, coarse)
    assert torch.allclose(trace(TEXTS, coarse).probabilities, fine, atol=.05)


def test_answers_around_a_check_of_pads_are_let_be():
    ours, tokenizer = pair("bert")
    with torch.autocast("cpu", torch.bfloat16):
        for ask in (trace, classify, sentence_embeddings): ask(TEXTS, (ours, tokenizer))
    with torch.no_grad(): ours.classifier.bias[0] = torch.nan
    assert trace(TEXTS, (ours, tokenizer)).logits[:, 0].isnan().all()  # as the model says


@pytest.mark.parametrize("ask, runs", [(trace, 2), (sentence_embeddings, 2), (classify, 3)])
def test_pads_are_checked_for_the_price_of_a_short_text(ask, runs):
    ours, sizes = model("bert"), []
    ours.bert.embeddings.register_forward_hook(lambda _, inputs, vectors: sizes.append(len(vectors)))
    ask(TWO, (ours, wordpiece()))
    assert len(sizes) == runs and sizes.count(2) == 1


# wrappers

@pytest.mark.parametrize("wrap", WRAPPERS.values(), ids=WRAPPERS)
def test_a_wrapped_model_is_the_one_inside(wrap, tmp_path):
    inside, tokenizer = model("distilbert"), wordpiece()
    checkpoint, bare = (wrap(inside), tokenizer), (inside, tokenizer)
    assert_same(trace(TWO, checkpoint).predictions, library(bare)(TWO))
    assert heads(checkpoint).equals(heads(bare)) and anatomy(checkpoint[0]).rows == anatomy(inside).rows
    assert not heads(checkpoint).set_index("auto_class").new_weights["AutoModelForSequenceClassification"]
    assert compare_outputs(checkpoint[0], bare, TWO)["equal"]
    save_checkpoint(*checkpoint, tmp_path/"mine")
    assert compare_outputs(tmp_path/"mine", bare, TWO)["equal"]


def test_a_module_around_a_model_is_told_which_one_to_pass():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.bert = made(BertModel, BertConfig, **SIZE)
    checkpoint = Net(), wordpiece()
    for ask in (trace, classify, mask_effect, MaskBench, PipelineStrip, token_labels, sentence_embeddings,
                attention_maps):
        with pytest.raises(TypeError, match=r"model=Net\(…\) isn't a transformers model: .*get_submodule\('bert'\)"):
            ask(TWO, checkpoint)
    for ask in (heads, lambda c: compare_outputs(c, None, "No."), lambda c: save_checkpoint(*c, "never")):
        with pytest.raises(TypeError, match="get_submodule"): ask(checkpoint)
    with pytest.raises(TypeError, match="Linear.*load_model"): trace(TWO, (nn.Linear(2, 2), wordpiece()))
    with pytest.raises(TypeError, match="Peft.* puts trained tokens of its own before each text"):
        trace(TWO, (Stand.Peft(model("bert"), prompt=True), wordpiece()))


class Own(BertForSequenceClassification):
    answer = staticmethod(lambda logits: SequenceClassifierOutput(logits=logits))
    def forward(self, input_ids, attention_mask):
        return self.answer(super().forward(input_ids, attention_mask=attention_mask).logits)


def test_a_forward_of_ones_own_is_taken_or_told(monkeypatch):
    checkpoint = made(Own, BertConfig, **SIZE), wordpiece()
    with pytest.raises(TypeError, match="Own.forward takes no output_hidden_states: pass a"): trace(TWO, checkpoint)
    theirs = made(BertForSequenceClassification, BertConfig, **SIZE), wordpiece()
    assert_same(classify(TWO, checkpoint), library(theirs)(TWO))
    for answer, kind in [(lambda x: x, "Tensor"), (lambda x: dict(logits=x), "dict"), (lambda x: (x,), "tuple")]:
        monkeypatch.setattr(Own, "answer", staticmethod(answer))
        with pytest.raises(TypeError, match=f"Own.forward returns a {kind}, and must return a ModelOutput"):
            classify(TWO, checkpoint)
    typed = wordpiece(model_input_names=["input_ids", "token_type_ids", "attention_mask"])
    with pytest.raises(TypeError, match="takes no token_type_ids: tokenizer.model_input_names ="):
        classify(TWO, (checkpoint[0], typed))


def test_weights_that_are_not_loaded_are_told(tmp_path):
    with torch.device("meta"): whole = BertForSequenceClassification(BertConfig(**SIZE))
    part = made(BertForSequenceClassification, BertConfig, **SIZE)
    part.bert.embeddings.to("meta")
    for ours in (whole, part):
        for ask in (trace, classify, mask_effect, attention_maps, sentence_embeddings):
            with pytest.raises(ValueError, match="weights that aren't loaded"): ask(TWO, (ours, wordpiece()))
        with pytest.raises(ValueError, match="weights that aren't loaded"):
            save_checkpoint(ours, wordpiece(), tmp_path/"new")
    assert not any(tmp_path.iterdir())


# another head

WRONG = dict(MaskedLM="AutoModelForMaskedLM", Model="AutoModel", QuestionAnswering="AutoModelForQuestionAnswering",
             MultipleChoice="AutoModelForMultipleChoice", NextSentencePrediction="AutoModelForNextSentencePrediction")


@pytest.mark.parametrize("head, auto", WRONG.items(), ids=WRONG)
def test_another_head_is_told_in_the_same_words_before_the_model_runs(head, auto, monkeypatch):
    cls = getattr(transformers, "BertModel" if head == "Model" else f"BertFor{head}")
    checkpoint = made(cls, BertConfig, **SIZE), wordpiece()
    monkeypatch.setattr(BertModel, "__call__", lambda *_, **__: pytest.fail("it ran"))
    ids = with_pads(checkpoint[1])
    asks = [lambda ask=ask: ask(TWO, checkpoint) for ask in (trace, classify, mask_effect, MaskBench, PipelineStrip)]
    for ask in [*asks, lambda: masked_logits(**ids, checkpoint=checkpoint)]:
        with pytest.raises(ValueError) as e: ask()
        said = f"{cls.__name__} doesn't give (batch, n_labels) logits: it is one for {auto}"
        assert str(e.value).startswith(said) and "this needs one for AutoModelForSequenceClassification" in str(e.value)
    with pytest.raises(ValueError, match="n_labels.*AutoModelForTokenClassification"): token_labels(TWO, checkpoint)


def test_a_writer_is_no_classifier():
    for cls in (T5ForConditionalGeneration, transformers.EncoderDecoderModel):
        if cls is T5ForConditionalGeneration: ours = made(cls, T5Config, **T5)
        else:
            parts = BertConfig(**SIZE), BertConfig(**SIZE, is_decoder=True, add_cross_attention=True)
            ours = cls(transformers.EncoderDecoderConfig.from_encoder_decoder_configs(*parts)).eval()
        with pytest.raises(ValueError, match="it is one for .*AutoModelForSeq2SeqLM"): trace(TWO, (ours, wordpiece()))


def test_a_subclass_with_another_head_is_told_by_its_answer():
    class Own(BertForMaskedLM):
        def forward(self, *args, **kwargs): return super().forward(*args, **kwargs)
    with pytest.raises(ValueError, match="Own doesn't give .* AutoModelForMaskedLM"):
        trace(TWO, (made(Own, BertConfig, **SIZE), wordpiece()))


def test_a_config_that_asks_for_tuples_changes_nothing():
    ours, theirs = pair("bert", return_dict=False), pair("bert")
    assert_same(trace(TEXTS, ours).predictions, library(theirs)(TEXTS))
    assert ours[0].config.return_dict is False


# how long a text may be

LONG = "word and film "*60
RELATIVE = dict(
    deberta=(DebertaV2ForSequenceClassification, DebertaV2Config,
             dict(relative_attention=True, position_biased_input=False, pos_att_type=["p2c", "c2p"])),
    llama=(LlamaForSequenceClassification, LlamaConfig, dict(num_key_value_heads=2)),
    modernbert=(ModernBertForSequenceClassification, ModernBertConfig, {}))


@pytest.mark.parametrize("name", RELATIVE)
def test_a_long_text_is_cut_only_where_the_model_cannot_read_it(name):
    cls, config, more = RELATIVE[name]
    checkpoint = made(cls, config, **SIZE, **more, max_position_embeddings=64), wordpiece(model_max_length=int(1e30))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_same(trace(LONG, checkpoint).predictions, library(checkpoint)(LONG))
        assert_same(classify(LONG, checkpoint), library(checkpoint)(LONG))


def test_a_text_cut_where_the_pipeline_would_not_warns():
    checkpoint = model("bert", max_position_embeddings=64), wordpiece(model_max_length=int(1e30))
    known = checkpoint[0], wordpiece(model_max_length=64)
    for ask in (trace, classify, mask_effect, sentence_embeddings):
        with pytest.warns(UserWarning, match=r"texts\[1\] has 182 tokens, the model takes 64"):
            ask(["No.", LONG], checkpoint)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(["No.", LONG], known)
    assert_same(classify(LONG, known), library(known)(LONG))


def test_a_text_that_the_model_cannot_read_is_told():
    size = dict(vocab_size=30_522, d_model=32, n_heads=4, n_layers=2, max_seq_len=64)
    ours = made(MptForSequenceClassification, MptConfig, **size)
    with pytest.raises(ValueError, match=r"MptFor.* can't read these inputs of shape \(1, 182\)"):
        trace(LONG, (ours, wordpiece(model_max_length=int(1e30))))


# heads, a row each

def test_three_labels_leave_the_other_heads_alone():
    config = DistilBertConfig(dim=32, n_layers=1, n_heads=2, hidden_dim=36, num_labels=3)
    ours = DistilBertForSequenceClassification(config).eval()
    table = heads((ours, wordpiece())).set_index("auto_class")
    assert table.output_shape["AutoModelForSequenceClassification"] == (2, 3)
    assert table.output_shape["AutoModelForQuestionAnswering"] == (2, 7)
    assert table.output["AutoModelForQuestionAnswering"] == "start_logits" and all(table.output_shape)
    assert ours.config.num_labels == 3


def test_a_head_that_fails_is_a_row():
    size = dict(block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=36, vocab_size=30_522)
    for ours in (made(FunnelForSequenceClassification, FunnelConfig, **size),
                 made(Qwen2ForSequenceClassification, Qwen2Config, **SIZE, num_key_value_heads=2)):
        table = heads((ours, wordpiece())).set_index("auto_class")
        assert table.output_shape["AutoModelForSequenceClassification"] == (2, 2)
        assert table.output_shape["AutoModel"][0] == 2 and len(table) > 4
        assert all(row.output_shape or "Error: " in row.output for row in table.itertuples())


# folders

def test_an_adapter_without_its_model_is_told(tmp_path):
    (tmp_path/"adapter_config.json").write_text(json.dumps(dict(peft_type="LORA")))
    with pytest.raises(CheckpointError, match="PEFT adapter without its model: .*merge_and"): load_model(tmp_path)
    with pytest.raises(CheckpointError, match="PEFT adapter"): load_tokenizer(tmp_path)


# attention maps

def eager(part, **inputs):
    part = copy.deepcopy(part)
    part.set_attn_implementation("eager")
    with torch.no_grad(): return torch.stack(part(**inputs, output_attentions=True).attentions)


def test_maps_of_a_model_that_also_sees_are_its_texts():
    text = dict(SIZE, eos_token_id=102, num_hidden_layers=3)
    vision = dict(SIZE, image_size=32, patch_size=16)
    del vision["vocab_size"], vision["pad_token_id"]
    clip = CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).eval()
    gemma = Gemma3ForConditionalGeneration(Gemma3Config(
        text_config=dict(text, num_key_value_heads=2, head_dim=8), vision_config=vision)).eval()
    for ours, part in ((clip, clip.text_model), (gemma, gemma.model.language_model)):
        maps = attention_maps(TWO, (ours, wordpiece(model_max_length=32)))
        real = maps.attention_mask.bool()[None, :, None, :, None]
        theirs = eager(part, **with_pads(wordpiece()))
        assert maps.mask == "both" and maps.weights.shape == theirs.shape and maps.n_layers == 3
        assert torch.allclose(maps.weights*real, theirs*real, atol=1e-5)


def test_maps_of_an_encoder_say_that_there_is_a_decoder():
    for ours in (made(BartModel, BartConfig, **BART), made(T5Model, T5Config, **T5)):
        maps = attention_maps(TWO, (ours, wordpiece()))
        assert maps.part == "encoder" and repr(maps).endswith("of the encoder alone")
        grid = AttentionGrid(maps)
        assert "of the encoder alone" in grid.html() and "of the encoder alone" in repr(grid)
        assert all("of the encoder alone" in words for words in grid._view["masks"].values())
    maps = attention_maps(TWO)
    assert maps.part == "model" and "alone" not in repr(maps) + AttentionGrid(maps).html()


def test_a_layer_that_looks_at_few_tokens_is_no_named_mask():
    ours = made(GPTNeoModel, GPTNeoConfig, vocab_size=30_522, hidden_size=32, num_layers=2, num_heads=4, window_size=4,
                attention_types=[[["global", "local"], 1]])
    maps, theirs = attention_maps(TWO[1], (ours, wordpiece())), eager(ours, **wordpiece()(TWO[1], return_tensors="pt"))
    assert maps.mask == "own" and torch.allclose(maps.weights, theirs, atol=1e-5)


# many architectures

@pytest.mark.parametrize("name", [name if name in sweep.FEW else pytest.param(name, marks=pytest.mark.extra)
                                  for name in sweep.ARCHITECTURES])
def test_each_architecture_gives_what_the_table_says(name, tmp_path):
    assert [sweep.outcome(function, name, tmp_path) for function in sweep.CHECKS] == sweep.table()[name]
    sweep.model.cache_clear()


def test_the_table_has_every_architecture_that_is_tried():
    assert list(sweep.table()) == list(sweep.ARCHITECTURES) and len(sweep.table()) >= 40
