"Texts come as a list, a column of a table, an array: all are the same texts; anything else is told in one line."
import datasets, numpy as np, pandas as pd, pytest
from fastcore.foundation import L

from study_group.attention import AttentionGrid, attention_maps
from study_group.core.texts import check_texts
from study_group.padding import MaskBench, classify, encode, padding_table
from study_group.pipeline import trace
from study_group.tokenizers import WordTokenizer

TEXTS = ["A fine film.", "No."]
COLUMNS = {
    "a series": pd.Series(TEXTS, index=[5, 3]), "strings": pd.Series(TEXTS, dtype="string"),
    "categories": pd.Series(TEXTS, dtype="category"), "an index": pd.Index(TEXTS), "an array": np.array(TEXTS),
    "objects": np.array(TEXTS, dtype=object), "a tuple": tuple(TEXTS), "fastcore's": L(TEXTS),
    "a column": datasets.Dataset.from_dict(dict(text=TEXTS))["text"]}
CALLS = dict(
    trace=lambda texts: trace(texts).texts, classify=lambda texts: classify(texts, progress=False),
    maps=lambda texts: attention_maps(texts).tokens, grid=lambda texts: AttentionGrid(texts).maps.tokens,
    bench=lambda texts: MaskBench(texts).texts, encode=lambda texts: dict(encode(texts, texts)),
    table=lambda texts: [row.lengths for row in padding_table(texts, text_pair=texts)],
    train=lambda texts: WordTokenizer().train(texts, 20).vocab)


@pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
def test_a_column_is_a_list_of_plain_texts(column):
    assert check_texts(column) == TEXTS and {type(text) for text in check_texts(column)} == {str}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_function_takes_columns(call):
    want = call(TEXTS)
    for column in (COLUMNS["a series"], COLUMNS["an array"], COLUMNS["a column"]): assert call(column) == want


def test_a_column_of_pairs():
    pairs = [("A film.", "Fine."), ("No.", "Yes.")]
    assert attention_maps(pd.Series(pairs)).texts == pairs


@pytest.mark.parametrize("wrong, error, said", [
    (pd.Series(["a", np.nan]), TypeError, "texts[1]=nan must be a string, not float."),
    (pd.Series(["a", pd.NA], dtype="string"), TypeError, "texts[1]=<NA> must be a string, not NAType."),
    (pd.Series(["a", None], dtype=object), TypeError, "texts[1]=None must be a string, not NoneType."),
    (np.array([1, 2]), TypeError, "texts[0]=1 must be a string, not int."),
    (pd.Series([]), ValueError, "texts=[] is empty"),
    (pd.DataFrame(dict(text=TEXTS)), TypeError, "not DataFrame: of a table pass one column"),
    (np.array([TEXTS]), TypeError, "not ndarray: of a table pass one column"),
    (dict(text=TEXTS), TypeError, "not dict: of a table pass one column"),
    (datasets.Dataset.from_dict(dict(text=TEXTS)), TypeError, "texts[0]={'text': 'A fine film.'} must be a string"),
    (iter(TEXTS), TypeError, "of an iterator list(texts)"), (b"no", TypeError, "texts=b'no' must be a string"),
    ([pd.Series(TEXTS)], TypeError, "texts[0]=0 A fine film. 1 No. dtype:")], ids=lambda given: type(given).__name__)
def test_what_holds_no_texts_is_told_in_one_line(wrong, error, said):
    with pytest.raises(error) as e: check_texts(wrong)
    assert said in str(e.value) and "\n" not in str(e.value)


@pytest.mark.parametrize("table", [pd.DataFrame(dict(text=TEXTS)), dict(text=TEXTS)], ids=["frame", "dict"])
def test_names_of_columns_are_nothing_to_learn_from(table):
    with pytest.raises(TypeError, match="isn't a list of texts"): WordTokenizer().train(table, 20)
