"Tiny random models of many kinds with their tokenizers, and the library's pipeline for one."
import copy
from functools import cache

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import (AutoModelForSequenceClassification, BertConfig, CanineConfig, CanineTokenizer,
                          DistilBertConfig, GPT2Config, IBertConfig, PerceiverConfig, PreTrainedTokenizerFast,
                          RobertaConfig, XLNetConfig, pipeline)

from study_group.checkpoints import load

TEXTS = ["A fine film.", "I hate this so much, it was by far the worst thing that I have ever seen!", "naïve café 🎬"]
ARCHITECTURES = "distilbert", "bert", "roberta", "gpt2"
PROBLEMS = {"2 labels": dict(num_labels=2), "5 labels": dict(num_labels=5), "1 label": dict(num_labels=1),
            "multi-label": dict(num_labels=4, problem_type="multi_label_classification"),
            "regression": dict(num_labels=1, problem_type="regression")}


@cache
def byte_level() -> str:
    "A byte-level BPE of 400 tokens, as JSON."
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    tokenizer.train_from_iterator(TEXTS*3, trainers.BpeTrainer(
        vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"]))
    return tokenizer.to_str()


def gpt2_tokenizer(**more):
    return PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(byte_level()), model_max_length=64,
                                   **dict(eos_token="</s>", pad_token="<pad>") | more)


def roberta_tokenizer():
    backend = Tokenizer.from_str(byte_level())
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    special = dict(cls_token="<s>", sep_token="</s>", pad_token="<pad>", unk_token="<unk>")
    return PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=64, **special)


def wordpiece(**changes):
    tokenizer = copy.deepcopy(bundled()[1])
    for name, value in changes.items(): setattr(tokenizer, name, value)
    return tokenizer


def model(architecture, **more):
    "A random model with 2 layers of width 32 and large weights, so that every token counts."
    size = dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64)
    kind, options = dict(
        distilbert=(DistilBertConfig, dict(dim=32, n_layers=2, n_heads=2, hidden_dim=64)), bert=(BertConfig, size),
        ibert=(IBertConfig, size | dict(vocab_size=30_522, pad_token_id=0)),
        roberta=(RobertaConfig, size | dict(vocab_size=400, max_position_embeddings=66, type_vocab_size=1)),
        gpt2=(GPT2Config, dict(vocab_size=400, n_embd=32, n_layer=2, n_head=2, n_positions=64, pad_token_id=1)),
        canine=(CanineConfig, size | dict(num_hash_buckets=256, local_transformer_stride=8)),
        perceiver=(PerceiverConfig, dict(vocab_size=30_522, d_model=32, d_latents=32, num_latents=4, num_blocks=1,
                                         num_self_attends_per_block=1)),
        xlnet=(XLNetConfig, dict(vocab_size=30_522, d_model=32, n_layer=2, n_head=2, d_inner=64)))[architecture]
    torch.manual_seed(0)
    return AutoModelForSequenceClassification.from_config(kind(**options | dict(initializer_range=.3) | more)).eval()


def tokenizer(architecture, **changes):
    "The tokenizer that goes with `model(architecture)`."
    if architecture == "bert": changes["model_input_names"] = ["input_ids", "token_type_ids", "attention_mask"]
    makers = dict(roberta=roberta_tokenizer, gpt2=gpt2_tokenizer, canine=CanineTokenizer)
    tokenizer = makers.get(architecture, wordpiece)()
    for name, value in changes.items(): setattr(tokenizer, name, value)
    return tokenizer


def pair(architecture, **more): return model(architecture, **more), tokenizer(architecture)


@cache
def bundled(): return load()


def library(pair):
    "The library's pipeline for `pair`, truncating."
    classify = pipeline("text-classification", model=pair[0], tokenizer=pair[1], device="cpu")
    return lambda texts, **options: classify(texts, truncation=True, **options)


def assert_same(got, want):
    "Same nesting, same labels, scores within 1e-5 absolute plus 1e-5 relative."
    assert type(got) is type(want)
    if isinstance(want, dict):
        assert got.keys() == want.keys() and got["label"] == want["label"] and type(got["score"]) is float
        assert abs(got["score"] - want["score"]) <= 1e-5 + 1e-5*abs(want["score"])
    else:
        assert len(got) == len(want)
        for g, w in zip(got, want): assert_same(g, w)
