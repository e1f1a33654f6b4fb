"The merge theatre's merges are the library's."
import json, random

from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from study_group.widgets.merge_theatre import MergeTheatre


def rust_merges(words: dict[str, int]) -> list[tuple[str, str]]:
    rust = Tokenizer(models.BPE())
    rust.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    rust.train_from_iterator((" ".join([word]*count) for word, count in words.items()),
                             trainers.BpeTrainer(vocab_size=10_000, show_progress=False))
    return [tuple(pair) for pair in json.loads(rust.to_str())["model"]["merges"]]


def test_the_merges_are_the_librarys():
    dice = random.Random(0)
    for _ in range(30):
        words = {"".join(dice.choices("abcd", k=dice.randint(1, 5))): dice.randint(1, 9) for _ in range(6)}
        steps = MergeTheatre("bpe", words).steps
        assert len(steps) < 40 and [step["pair"] for step in steps] == rust_merges(words)
