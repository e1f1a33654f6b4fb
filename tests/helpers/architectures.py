"Tiny seeded models of many architectures, and what each of our functions gives for one, beside the library's own call."
import copy, re, traceback, warnings
from functools import cache
from pathlib import Path

import torch, transformers
from transformers import AutoModel, AutoModelForSequenceClassification, AutoModelForTokenClassification, pipeline

from study_group.attention import attention_maps
from study_group.checkpoints import quiet
from study_group.core.running import text_part
from study_group.models import anatomy, compare_outputs, heads, save_checkpoint, sentence_embeddings, token_labels
from study_group.padding import classify, mask_effect, masked_logits
from study_group.pipeline import trace
from tiny_models import roberta_tokenizer

TEXTS = ["No.", "A fine film, and I loved every minute of it."]
BERT = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=36)
LLAMA = BERT | dict(num_key_value_heads=2)
GPT2 = dict(n_embd=32, n_layer=2, n_head=4, n_positions=64)
BART = dict(d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4,
            encoder_ffn_dim=36, decoder_ffn_dim=36, decoder_start_token_id=2)
T5 = dict(d_model=32, d_kv=8, d_ff=36, num_layers=2, num_heads=4, decoder_start_token_id=1)
XLM = dict(emb_dim=32, n_layers=2, n_heads=4, max_position_embeddings=64)
ARCHITECTURES = dict(  # config class → what makes it tiny
    Albert=BERT | dict(embedding_size=16), Bart=BART, Bert=BERT,
    BigBird=BERT | dict(attention_type="original_full"), BioGpt=BERT,
    Bloom=dict(hidden_size=32, n_layer=2, n_head=4), Camembert=BERT, Canine=BERT | dict(local_transformer_stride=8),
    ConvBert=BERT | dict(embedding_size=16), CTRL=dict(n_embd=32, n_layer=2, n_head=4, dff=36, n_positions=64),
    Data2VecText=BERT, Deberta=BERT | dict(relative_attention=True, pos_att_type=["c2p", "p2c"]),
    DebertaV2=BERT | dict(relative_attention=True, position_biased_input=False, pos_att_type=["c2p", "p2c"]),
    DistilBert=dict(dim=32, n_layers=2, n_heads=4, hidden_dim=36), Electra=BERT | dict(embedding_size=16), Ernie=BERT,
    Esm=BERT | dict(position_embedding_type="rotary", mask_token_id=3), Falcon=BERT, Flaubert=XLM, FNet=BERT,
    Funnel=dict(block_sizes=[1, 1], d_model=32, n_head=4, d_head=8, d_inner=36), Gemma=LLAMA | dict(head_dim=8),
    Gemma2=LLAMA | dict(head_dim=8), GPT2=GPT2, GPTBigCode=GPT2, GPTJ=GPT2 | dict(rotary_dim=4),
    GPTNeo=dict(hidden_size=32, num_layers=2, num_heads=4, attention_types=[[["global", "local"], 1]], window_size=4,
                max_position_embeddings=64),
    GPTNeoX=BERT, IBert=BERT, Jamba=LLAMA | dict(attn_layer_period=2, attn_layer_offset=1, num_experts=2,
                                                 use_mamba_kernels=False, mamba_d_state=4),
    LayoutLM=BERT, Llama=LLAMA,
    Longformer=BERT | dict(attention_window=8), Luke=BERT | dict(entity_vocab_size=9, entity_emb_size=8), MBart=BART,
    MegatronBert=BERT, Mistral=LLAMA, Mixtral=LLAMA | dict(num_local_experts=2),
    MobileBert=BERT | dict(embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16),
    ModernBert=BERT | dict(global_attn_every_n_layers=2, local_attention=8), MPNet=BERT,
    Mpt=dict(d_model=32, n_heads=4, n_layers=2, max_seq_len=64), Nystromformer=BERT,
    OpenAIGPT=GPT2, OPT=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, ffn_dim=36,
                             word_embed_proj_dim=32),
    Perceiver=dict(d_model=32, d_latents=32, num_latents=4, num_blocks=1, num_self_attends_per_block=1),
    Phi=LLAMA, Qwen2=LLAMA, Qwen3=LLAMA | dict(head_dim=8), RemBert=BERT | dict(input_embedding_size=16), Roberta=BERT,
    RoCBert=BERT | dict(shape_vocab_size=400, pronunciation_vocab_size=400, shape_embed_dim=8,
                        pronunciation_embed_dim=8),
    RoFormer=BERT | dict(embedding_size=32), SqueezeBert=BERT | dict(embedding_size=32), StableLm=LLAMA,
    T5=T5, UMT5=T5, XLM=XLM, XLMRoberta=BERT, XLNet=dict(d_model=32, n_layer=2, n_head=4, d_inner=36), Yoso=BERT)
FEW = "Bart Bert DebertaV2 DistilBert Funnel GPT2 Llama MobileBert ModernBert T5".split()


@cache
def tokenizer(): return roberta_tokenizer()


@cache
def model(name: str, auto=AutoModelForSequenceClassification):
    "A tiny seeded model of architecture `name`, with weights so large that every token counts; None: no such head."
    config = getattr(transformers, f"{name}Config")
    more = {} if name == "Canine" else dict(vocab_size=400)
    config = config(**dict(pad_token_id=1, bos_token_id=0, eos_token_id=2) | more | ARCHITECTURES[name])
    if type(config) not in auto._model_mapping: return None
    classes = auto._model_mapping[type(config)]
    torch.manual_seed(0)
    made = (classes[0] if isinstance(classes, tuple) else classes)(config).eval()
    with torch.no_grad():
        for weight in made.parameters():
            if weight.ndim > 1: weight.normal_(0, .3)
    return made


def close(ours, theirs): assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5), (ours - theirs).abs().max()


def same(ours: list, theirs: list):
    "Equal dicts in equal lists, numbers within 1e-5."
    assert len(ours) == len(theirs)
    for o, t in zip(ours, theirs):
        if isinstance(o, list): same(o, t); continue
        assert o.keys() == t.keys()
        for key, value in t.items():
            if key == "score": close(torch.tensor(o[key]), torch.tensor(float(value)))
            else: assert o[key] == value, (key, o[key], value)


def alone(call): return torch.cat([call(**tokenizer()(text, return_tensors="pt")) for text in TEXTS])


def with_pads(): return tokenizer()(TEXTS, padding=True, return_tensors="pt")


def check_trace(name):
    pair = model(name), tokenizer()
    theirs = pipeline("text-classification", model=pair[0], tokenizer=pair[1], device="cpu")
    same(trace(TEXTS, pair).predictions, theirs(TEXTS, truncation=True))


def check_classify(name):
    pair = model(name), tokenizer()
    theirs = pipeline("text-classification", model=pair[0], tokenizer=pair[1], device="cpu")
    same(classify(TEXTS, pair, progress=False), theirs(TEXTS, truncation=True))


def check_masked_logits(name):
    close(masked_logits(**with_pads(), checkpoint=(model(name), tokenizer())), model(name)(**with_pads()).logits)


def check_mask_effect(name):
    found = mask_effect(TEXTS, (model(name), tokenizer()))
    close(torch.tensor(found.alone.tolist()), alone(lambda **inputs: model(name)(**inputs).logits))
    close(torch.tensor(found.masked.tolist()), torch.tensor(found.alone.tolist()))


def check_token_labels(name):
    made = model(name, AutoModelForTokenClassification)
    if made is None: return "–"
    theirs = pipeline("token-classification", model=made, tokenizer=tokenizer(), device="cpu", ignore_labels=[])
    same(token_labels(TEXTS, (made, tokenizer())), theirs(TEXTS))


def check_sentence_embeddings(name):
    reader = text_part(model(name, AutoModel))
    ours = sentence_embeddings(TEXTS, (model(name, AutoModel), tokenizer()))
    close(ours, alone(lambda **inputs: reader(**inputs).last_hidden_state.mean(1)))


def check_attention_maps(name):
    maps = attention_maps(TEXTS, (model(name, AutoModel), tokenizer()))
    made = model(name, AutoModel)
    eager = type(made)._from_config(copy.deepcopy(made.config), attn_implementation="eager").eval()
    eager.load_state_dict(made.state_dict())
    theirs = torch.stack(text_part(eager)(**with_pads(), output_attentions=True).attentions)
    assert maps.weights.shape == theirs.shape
    real = with_pads()["attention_mask"].bool()[None, :, None, :, None]
    close(maps.weights*real, theirs*real)


def check_heads(name):
    table = heads((model(name), tokenizer())).set_index("auto_class")
    own = table.loc["AutoModelForSequenceClassification"]
    assert own.new_weights == [] and own.model_class == type(model(name)).__name__ and own.output, own
    if ": " in own.output: raise ValueError(own.output.partition(": ")[2])
    assert own.output_shape == (2, model(name).config.num_labels), own


def check_anatomy(name):
    made = anatomy(model(name))
    assert made.total == sum(p.numel() for p in model(name).parameters())


def check_compare_outputs(name):
    pair = model(name), tokenizer()
    assert compare_outputs(pair, pair, TEXTS)["equal"]
    other = copy.deepcopy(pair[0])
    with torch.no_grad():
        for weight in other.parameters(): weight += .05
    off = compare_outputs(pair, (other, tokenizer()), TEXTS)["differences"]["logits"]
    more = dict(decoder_input_ids=with_pads()["input_ids"]) if other.config.is_encoder_decoder else {}
    close(torch.tensor(off), (other(**with_pads(), **more).logits - pair[0](**with_pads(), **more).logits).abs().max())


def check_save_checkpoint(name, folder):
    save_checkpoint(model(name), tokenizer(), folder/name)
    with quiet(): again = AutoModelForSequenceClassification.from_pretrained(folder/name, dtype=torch.float32)
    ours, theirs = again.state_dict(), model(name).state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[key], theirs[key]) for key in ours)


CHECKS = {name.removeprefix("check_"): check for name, check in list(globals().items()) if name.startswith("check_")}
WORDS = {"reads padding": "pads", "no token × token": "no maps", "no hidden state for each": "no states",
         "no last hidden state": "no states", "can't read these inputs": "can't read"}  # of our errors → in the table


def outcome(function: str, name: str, folder: Path) -> str:
    "What `function` gives for architecture `name`: '=' (as the library), '–' (no such head), or our error, short."
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = CHECKS[function](name, folder) if function == "save_checkpoint" else CHECKS[function](name)
        return found or "="
    except (ValueError, TypeError) as e:
        last = traceback.extract_tb(e.__traceback__)[-1].filename
        assert "study_group/" in last and "\n" not in str(e), f"{last}: {e}"
        return next((word for words, word in WORDS.items() if words in str(e)), re.sub(r"^\w+ ", "", str(e)))


PAGE = Path(__file__).parents[2]/"CONTRIBUTING.md"
START, END = "<!-- what tests/helpers/architectures.py found -->\n", "<!-- end -->"


def table() -> dict[str, list[str]]:
    "What CONTRIBUTING.md says of each architecture, an outcome for each of `CHECKS`."
    lines = PAGE.read_text().split(START)[1].split(END)[0].strip().splitlines()
    rows = [line.strip("| ").split(" | ") for line in lines]
    assert rows[0][1:] == list(CHECKS)
    return {row[0]: row[1:] for row in rows[2:]}


if __name__ == "__main__":  # writes the table
    import tempfile
    rows = [["architecture", *CHECKS], ["---"]*(len(CHECKS) + 1)]
    for name in ARCHITECTURES:
        with tempfile.TemporaryDirectory() as folder:
            rows.append([name, *(outcome(function, name, Path(folder)) for function in CHECKS)])
        model.cache_clear()
    before, _, rest = PAGE.read_text().partition(START)
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    PAGE.write_text(before + START + lines + END + rest.partition(END)[2])
