"""The course's drawn diagrams: each is a function here, which makes nbs/images/diagrams/<name>.svg, and its words.

    python tools/diagrams.py                   # write them all
    python tools/diagrams.py --check           # say which files aren't what would be written; `make check` does this
    python tools/diagrams.py --markdown NAME   # what a notebook in nbs/ takes: the picture, and the same in words

Numbers and tokens are the bundled model's own: tests/tools/test_diagrams.py asks it.
"""
import sys
from html import escape
from pathlib import Path
from statistics import fmean, pstdev

from drawing import Drawing

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "nbs/images/diagrams"
ALL = {}  # name → (title, alt text, the diagram in words, function that draws it)


def diagram(title: str, alt: str, words: str, **more):
    "Register a function that draws a diagram; its name, with dashes, is the file's."
    def keep(draw):
        ALL[more.get("name", draw.__name__.replace("_", "-"))] = title, alt, " ".join(words.split()), draw
        return draw
    return keep


# The bundled model's own tokens, ids and numbers; the test compares them with it.
TEXT = "I hate this so much!"
TOKENS = ["[CLS]", "i", "hate", "this", "so", "much", "!", "[SEP]"]
IDS = [101, 1045, 5223, 2023, 2061, 2172, 999, 102]
LOGITS = {"NEGATIVE": 1.7260, "POSITIVE": -2.2233}
SCORES = {"NEGATIVE": 0.9811, "POSITIVE": 0.0189}
STAGES = {"text": "Naïve TOKENIZATION!", "normalizer": ["naive tokenization!"],
          "pre-tokenizer": ["naive", "tokenization", "!"], "model": ["naive", "token", "##ization", "!"],
          "post-processor": ["[CLS]", "naive", "token", "##ization", "!", "[SEP]"],
          "ids": [101, 15743, 19204, 3989, 999, 102]}
RAGGED = {"I hate this so much!": TOKENS, "What a film!": ["[CLS]", "what", "a", "film", "!", "[SEP]"],
          "Dull.": ["[CLS]", "dull", ".", "[SEP]"]}
LONG = "The film starts well, then it gets odd, and the end is great."
WINDOWS = [["[CLS]", "the", "film", "starts", "well", ",", "then", "[SEP]"],  # max_length=8, stride=2
           ["[CLS]", ",", "then", "it", "gets", "odd", ",", "[SEP]"],
           ["[CLS]", "odd", ",", "and", "the", "end", "is", "[SEP]"],
           ["[CLS]", "end", "is", "great", ".", "[SEP]"]]
SHAPE = 2, 16, 384  # of the hidden states of the slides' two sentences
N_LAYERS, N_HEADS, MIDDLE = 6, 12, 1536
MATCHED = {"distilbert.embeddings.*": 4, "distilbert…layer.0.*": 16, "distilbert…layer.5.*": 16}
UNEXPECTED, MISSING = ["pre_classifier.*", "classifier.*"], ["qa_outputs.*"]  # two each: weight and bias


def number(x: float, digits: int = 4) -> str:
    "`x` with a real minus; 0 is never negative."
    return f"{round(x, digits) + 0:.{digits}f}".replace("-", "−")


@diagram("The three steps of a pipeline",
    "Three steps from top to bottom: a tokenizer turns a text into tokens and ids, a model turns the ids into two "
    "logits, postprocessing turns the logits into a label with a score.",
    f"""The text “{TEXT}” goes through three steps. Step 1, the tokenizer, cuts it into 8 tokens ([CLS], i, hate, this,
    so, much, !, [SEP]) and gives each its id (101, 1045, 5223, 2023, 2061, 2172, 999, 102). Step 2, the model, turns
    all ids together into two logits: NEGATIVE 1.7260, POSITIVE −2.2233. Step 3, postprocessing, makes probabilities of
    them with a softmax (0.9811 and 0.0189) and takes the label of the largest: NEGATIVE.""")
def three_steps(d):
    d.text(24, 40, "text", "q", "start")
    d.box(96, 22, 520, 36, TEXT, kind="data", look="m")
    steps = (58, "1", "Tokenizer"), (224, "2", "Model"), (352, "3", "Postprocessing: softmax, argmax")
    for y, n, name in steps:
        w = 420 if n == "3" else 180
        d.way((356, y + 2), (356, y + 21))
        d.box(356 - w/2, y + 23, w, 38, f"{n} · {name}")
        d.way((356, y + 63), (356, y + 82))
    for y, name, words in (142, "tokens", TOKENS), (188, "ids", map(str, IDS)):
        d.text(24, y + 16, name, "q", "start")
        d.cells(96, y, words, 61.5)
    d.text(24, 324, "logits", "q", "start")
    d.cells(96, 308, [f"{k} {number(v)}" for k, v in LOGITS.items()], 258, 36, look="m")
    d.text(24, 454, "label", "q", "start")
    d.cells(96, 436, [f"{k} {number(v)}" for k, v in SCORES.items()], 258, 38, ["new", "off"], look="m")


@diagram("The hidden states: a block of 2 × 16 × 384 numbers",
    "A block of numbers, 16 tokens wide, 384 numbers high and 2 sentences deep; its first slice, that of [CLS], is "
    "marked and drawn again beside it, with the shape 2 × 384.",
    """The hidden states of a batch are a block: 2 sentences deep, 16 tokens wide, and 384 numbers high, one column of
    numbers for each token. hidden[:, 0] takes, of every sentence, the column of token 0, which is [CLS]. What is left
    is a table of shape (2, 384): one vector a sentence. The head reads that.""")
def block_2x16x384(d):
    w, h, dx, dy, rows, depth, columns = 17, 25, 30, 22, 8, SHAPE[0], SHAPE[1]

    def block(x, y, columns, kinds):
        "Three faces of a block, and the lines on them; `kinds` are those of the front, the top, and the right."
        wide, tall, back, up = columns*w, rows*h, depth*dx, depth*dy
        faces = [(x, y), (x + wide, y), (x + wide, y + tall), (x, y + tall)], \
                [(x, y), (x + wide, y), (x + wide + back, y - up), (x + back, y - up)], \
                [(x + wide, y), (x + wide + back, y - up), (x + wide + back, y + tall - up), (x + wide, y + tall)]
        for corners, kind in zip(faces, kinds): d.face(*corners, kind=kind)
        aside, down = (f"l{back} {-up}", f"v{tall}") if len(kinds) == 3 else ("", "")
        lines = [f"M{x + n*w} {y + tall}v{-tall}l{back} {-up}" for n in range(1, columns)]
        lines += [f"M{x} {y + m*h}h{wide}{aside}" for m in range(1, rows)]
        lines += [f"M{x + k*dx} {y - k*dy}h{wide}{down}" for k in range(1, depth)]
        d.add(f'<path class="grid" d="{"".join(lines)}"/>', y + tall)
    x, y, bottom, middle = 128, 96, 96 + rows*h, 128 + columns*w/2
    block(x, y, columns, ("data", "data", "off"))
    block(x, y, 1, ("mark", "mark"))
    d.way((478, y + 90), (516, y + 90))
    block(538, y + 22, 1, ("mark", "mark", "mark"))
    d.text(x + 2, bottom + 20, "[CLS]", "m s b")
    d.text(x + columns*w - 12, bottom + 20, "[SEP]", "m s")
    for n, line in enumerate(("384", "numbers", "for each", "token")):
        d.text(106, y + 66 + 22*n, line, "q" if n else "b", "end")
    d.text(x + 10, 70, "2 sentences", "b", "end")
    for at, name, shape, look in (middle, "16 tokens", SHAPE, "b"), (562, "hidden[:, 0]", SHAPE[::2], "m b"):
        d.text(at, bottom + 46, name, look)
        d.text(at, bottom + 70, str(shape), "m q")


@diagram("One encoder layer",
    "An encoder layer from top to bottom: self-attention, add and norm, feed-forward, add and norm, with two residual "
    "connections that lead around the sub-layers.",
    f"""Hidden states of shape (batch, tokens, 384) enter at the top. Self-attention, with {N_HEADS} heads, lets each
    token look at the others. “Add & norm” adds what came in (the residual connection, which leads around the
    attention) and normalizes each vector. Then the feed-forward network works on each token alone: 384 numbers become
    {MIDDLE}, and 384 again. A second residual connection and “add & norm” follow. What leaves has the shape of what
    came in, so layers can be stacked: {N_LAYERS} of them here.""")
def layer(d):
    d.box(116, 22, 240, 36, "(batch, tokens, 384)", kind="data", look="m s")
    d.rect(24, 80, 448, 348, "frame", r=16)
    parts = (110, "Self-attention", f"{N_HEADS} heads"), (192, "Add & norm"), \
            (266, "Feed-forward", f"384 → {MIDDLE} → 384"), (348, "Add & norm")
    y_before = 58
    for y, *lines in parts:
        h = 60 if len(lines) > 1 else 42
        d.way((236, y_before + 2), (236, y - 2))
        d.box(116, y, 240, h, *lines)
        y_before = y + h
    for y, to in (94, 213), (250, 369): d.way((236, y), (402, y), (402, to), (360, to))
    for y in 153, 309: d.text(412, y, "+", "b", "start")
    d.way((236, 392), (236, 448))
    d.box(116, 450, 240, 36, "(batch, tokens, 384)", kind="data", look="m s")
    said = (129, "tokens look"), (150, "at each other"), (203, "residual: what"), (224, "came in, added"), \
           (285, "each token"), (306, "alone")
    for y, line in said: d.text(490, y, line, "s q", "start")
    d.text(46, 246, f"{N_LAYERS} ×", "b", "start")


@diagram("Weights find their places by name",
    "On the left the tensors of a checkpoint file, on the right those of a model for question answering: equal names "
    "are joined; the old head stays in the file, the new head gets random numbers.",
    """The bundled checkpoint, which has a head for classification, is loaded into a model with a head for question
    answering. Each tensor of the file looks for its own name in the model. All 100 tensors of the body find it: 4 of
    the embeddings and 16 in each of the six layers. The head in the file (pre_classifier and classifier, weight and
    bias each) finds nothing: the library reports it as UNEXPECTED and leaves it behind. The model's own head
    (qa_outputs, weight and bias) gets nothing: reported as MISSING, its numbers are random until it is trained.""")
def weights_by_name(d):
    d.text(142, 34, "checkpoint file", "b")
    d.text(142, 56, "model.safetensors", "m s q")
    d.text(498, 34, "model in memory", "b")
    d.text(498, 56, "…ForQuestionAnswering", "m s q")
    rows = list(MATCHED)
    for y, name in zip((78, 124, 196), rows):
        for x in 24, 380: d.box(x, y, 236, 34, name, kind="data", look="m s")
        d.way((264, y + 17), (376, y + 17))
        d.text(318, y + 1, "same name", "s q")
    for x in 142, 498: d.text(x, 177, "⋮", "b")
    d.way((24, 250), (616, 250), kind="frame")
    d.text(320, 270, "the head", "s q")
    for y, name in zip((290, 334), UNEXPECTED): d.box(24, y, 236, 34, name, kind="off", look="m s")
    d.box(380, 312, 236, 34, *MISSING, kind="new", look="m s")
    d.text(142, 392, "UNEXPECTED", "m s b")
    d.text(142, 414, "finds no name, stays behind", "s q")
    d.text(498, 392, "MISSING", "m s b")
    d.text(498, 414, "finds no weights: random", "s q")


@diagram("The four stages of a tokenizer",
    "A text goes down through normalizer, pre-tokenizer, model and post-processor, and becomes words, pieces, tokens "
    "with [CLS] and [SEP], and ids.",
    """“Naïve TOKENIZATION!” goes through the four stages of BERT's tokenizer. The normalizer lower-cases it and takes
    off the accents: “naive tokenization!”. The pre-tokenizer cuts at spaces and punctuation: naive, tokenization, !.
    The model, WordPiece, cuts words into pieces of its vocabulary: naive, token, ##ization, !. The post-processor puts
    [CLS] in front and [SEP] behind. Each token has an id: 101, 15743, 19204, 3989, 999, 102.""")
def tokenizer_stages(d):
    wide = 58, 62, 62, 94, 44, 60  # a column for each token in the end
    left = [216 + sum(wide[:n]) + 4*n for n in range(len(wide))]

    def row(y, words, ends, kinds="data"):
        "`words` from column to column: the first begins where `ends` does."
        for word, a, b, kind in zip(words, ends, ends[1:], [kinds]*9 if isinstance(kinds, str) else kinds):
            d.box(left[a], y, left[b - 1] + wide[b - 1] - left[a], 36, str(word), kind=kind, look="m s")
    row(22, [STAGES["text"]], (1, 5))
    rows = ("Normalizer", (1, 5)), ("Pre-tokenizer", (1, 2, 4, 5)), ("Model", range(1, 6)), ("Post-processor", range(7))
    for n, (name, ends) in enumerate(rows):
        y = 98 + 76*n
        d.way((190, y - 20), (left[3], y - 20), kind="frame")
        d.box(24, y - 41, 166, 42, name)
        d.way((left[3], y - 38), (left[3], y - 3))
        kinds = ["new", *["data"]*4, "new"] if n == 3 else "data"
        row(y, STAGES[name.lower()], ends, kinds)
    row(372, STAGES["ids"], range(7))
    d.text(190, 390, "ids", "q", "end")


@diagram("Ragged rows, a rectangle, its mask",
    "Three rows of 8, 6 and 4 tokens; then padded with [PAD] to a rectangle of 3 × 8; then the attention mask, with 1 "
    "for a token and 0 for a pad.",
    """Three texts have 8, 6 and 4 tokens. Such rows are ragged: no tensor can hold them. Padding puts [PAD] behind the
    short ones until all have 8: a rectangle of 3 × 8. The attention mask has the same shape: 1 where there is a token,
    0 where there is a pad, so that the model doesn't look at pads.""")
def ragged_rectangle_mask(d):
    n = len(TOKENS)
    names = "1 · ragged: no tensor", "2 · padded to the longest: (3, 8)", "3 · attention_mask: (3, 8)"
    for top, name in zip((38, 200, 362), names):
        d.text(24, top, name, "b", "start")
        for m, row in enumerate(RAGGED.values()):
            y, pads = top + 20 + 36*m, n - len(row)
            if top == 38: d.cells(24, y, row, 70.5)
            elif top == 200: d.cells(24, y, row + ["[PAD]"]*pads, 70.5, kinds=["data"]*len(row) + ["pad"]*pads)
            else: d.cells(24, y, ["1"]*len(row) + ["0"]*pads, 70.5, kinds=["data"]*len(row) + ["pad"]*pads)
    for y in 168, 330: d.way((320, y), (320, y + 22))


@diagram("Windows over a long text",
    "A text of 16 tokens is cut into four windows of at most 8 tokens; each begins with the last two tokens of the "
    "one before.",
    """A text of 16 tokens is too long for a model that takes 8. With max_length=8 and stride=2 the tokenizer gives
    four windows. Each has [CLS] in front and [SEP] behind, so 6 places are left for the text; and each begins with the
    last 2 tokens of the window before (the stride), so that nothing is torn out of its context. The last window has
    only 4 tokens of the text left, and is padded.""")
def windows(d):
    d.text(24, 36, "16 tokens, max_length = 8, stride = 2", "b", "start")
    d.cells(24, 56, [""]*16, 33.25, 20)
    for n, window in enumerate(WINDOWS):
        inner, y = len(window) - 2, 86 + 22*n
        shared = ["mark" if (n and m < 2) or (n < 3 and m >= 4) else "data" for m in range(inner)]
        d.cells(24 + 37.25*4*n, y, [""]*inner, 33.25, 16, shared)
    for n, window in enumerate(WINDOWS):
        y, pads = 196 + 62*n, 8 - len(window)
        kinds = ["off" if w in ("[CLS]", "[SEP]") else "data" for w in window] + ["pad"]*pads
        if n: kinds[1:3] = ["mark"]*2
        if n < 3: kinds[5:7] = ["mark"]*2
        d.cells(24, y, window + ["[PAD]"]*pads, 70.5, 34, kinds)
        if n < 3: d.way((466, y + 38), (466, y + 47), (168, y + 47), (168, y + 58))
    d.text(24, 446, "thick frame: shared with the window before or after", "s q", "start")


X, MATRICES = [2, 1], {"query": [[1, 0], [-2, 2]], "key": [[1, 1], [0, -2]], "value": [[0, 1], [1, -2]]}


def times(x, matrix): return [sum(a*row[n] for a, row in zip(x, matrix)) for n in range(len(matrix[0]))]


@diagram("One vector becomes query, key and value",
    "The vector of a token, 2 and 1, is multiplied with three small matrices, which gives its query, its key and its "
    "value.",
    "The vector of the token film, [2, 1], is multiplied with three matrices, whose numbers are learned. "
    + " ".join(f"With W_{name[0]}, {m}, it gives the {name}: {times(X, m)}." for name, m in MATRICES.items())
    + " The query says what the token looks for, the key what it offers, the value what it gives.", name="q-k-v")
def q_k_v(d):
    d.text(71, 178, "film", "m b")
    d.cells(24, 194, map(str, X), 46, 40, look="m")
    d.text(71, 254, "its vector", "s q")
    for n, ((name, matrix), says) in enumerate(zip(MATRICES.items(), ("looks for", "offers", "gives"))):
        y = 48 + 138*n
        d.way((124, 214), (152, 214), (152, y + 42), (180, y + 42))
        d.rect(184, y - 8, 116, 100, "work", r=12)
        for m, row in enumerate(matrix):
            for k, value in enumerate(row): d.text(219 + 46*k, y + 22 + 40*m, number(value, 0), "m")
        d.text(242, y + 106, f"W_{name[0]}", "m s b")
        d.way((304, y + 42), (342, y + 42))
        d.cells(348, y + 22, [number(v, 0) for v in times(X, matrix)], 46, 40, "new", "m")
        d.text(464, y + 32, name, "b", "start")
        d.text(464, y + 54, f"what it {says}", "s q", "start")
        sums = (" + ".join(f"{a}·{v}" if v >= 0 else f"{a}·({number(v, 0)})" for a, v in zip(X, column))
                for column in zip(*matrix))
        d.text(348, y + 84, ", ".join(sums), "m s q", "start")


CAME_IN, CHANGE = [1.0, -0.5, 2.0, 0.3], [0.2, 0.5, -0.4, 0.1]
ADDED = [a + b for a, b in zip(CAME_IN, CHANGE)]
NORMED = [(a - fmean(ADDED))/pstdev(ADDED) for a in ADDED]


@diagram("A residual connection and its numbers",
    "A vector goes two ways: through a sub-layer, and around it unchanged; both are added, number by number, and "
    "normalized.",
    f"""The vector x, {CAME_IN}, goes two ways. Through the sub-layer (attention or feed-forward), which makes of it a
    change, {CHANGE}; and around it, unchanged: the residual connection. Both are added number by number: {[round(a, 1)
    for a in ADDED]}. What came in is still there, a little changed. The layer norm then gives it mean 0 and variance
    1: {[round(a, 2) for a in NORMED]} (before its learned scale and shift).""")
def residual(d):
    def row(x, y, numbers, digits, kind): d.cells(x, y, [number(v, digits) for v in numbers], 58, 36, kind, "m s")
    d.text(182, 42, "x", "m b", "end")
    row(198, 24, CAME_IN, 1, "data")
    d.way((320, 62), (320, 78), (156, 78), (156, 94))
    d.box(46, 98, 220, 48, "Sub-layer", "attention, feed-forward")
    d.way((156, 148), (156, 167))
    row(34, 170, CHANGE, 1, "data")
    d.way((320, 78), (484, 78), (484, 166))
    d.text(500, 112, "residual:", "s q", "start")
    d.text(500, 132, "x, unchanged", "s q", "start")
    row(362, 170, CAME_IN, 1, "data")
    d.text(320, 188, "+", "b")
    d.way((156, 210), (156, 228), (288, 228), (288, 246))
    d.way((484, 210), (484, 228), (352, 228), (352, 246))
    row(198, 250, ADDED, 1, "new")
    d.text(464, 268, "the sum", "s q", "start")
    d.way((320, 288), (320, 306))
    d.box(224, 310, 192, 44, "Layer norm")
    d.way((320, 356), (320, 374))
    row(198, 378, NORMED, 2, "new")
    d.text(464, 396, "mean 0, variance 1", "s q", "start")


@diagram("One batch on its way through a fastai Learner",
    "In the DataLoader texts are picked, tokenized and padded in before_batch, and put together; in the Learner "
    "model, loss, backward and step follow, and step changes the model's weights.",
    """In the DataLoader, samples are picked, each a text and a label. In before_batch the tokenizer gets them all in
    one call: tokens, ids, padding, mask. create_batch makes tensors of them, and the batch goes to the model's device.
    In the Learner the model turns it into logits, the loss compares these with the labels, backward computes a
    gradient for each weight, and the optimizer's step changes the weights. Then the next batch comes. (When
    validating, the way ends at the loss.)""")
def learner_batch(d):
    for x, name in (24, "DataLoader"), (336, "Learner"):
        d.rect(x, 56, 280, 388, "frame", r=16)
        d.text(x + 140, 36, name, "b")
    left = ("Samples", "(text, label), …", "data"), ("before_batch", "tokenize, pad: one call", "work"), \
           ("create_batch", "collate into tensors", "work"), ("Batch", "input_ids, mask, labels", "data")
    right = ("Model", "→ logits", "work"), ("Loss", "logits and labels", "work"), \
            ("Backward", "→ gradients", "work"), ("Step", "changes weights", "work")
    for x, wide, parts in (44, 240, left), (372, 208, right):
        for n, (name, more, kind) in enumerate(parts):
            if n: d.way((x + wide/2, 44 + 94*n), (x + wide/2, 74 + 94*n))
            d.box(x, 78 + 94*n, wide, 58, name, more, kind=kind)
    d.way((286, 389), (320, 389), (320, 107), (368, 107))
    d.way((582, 389), (600, 389), (600, 107), (584, 107))


FREEZING = {"freeze()": (3,), "freeze_to(-2)": (2, 3), "unfreeze()": (0, 1, 2, 3)}  # the groups that learn wholly


@diagram("What freezing freezes",
    "Four groups of weights, in three columns: after freeze() only the last group learns, after freeze_to(-2) the last "
    "two, after unfreeze() all; the LayerNorms learn in each column.",
    """blurr_splitter makes four groups of the model's weights: the embeddings, the six layers, and the two parts of the
    head, pre_classifier and classifier. After learn.freeze() classifier learns, and nothing else, but for the
    LayerNorms in the embeddings and in the layers (unless train_bn=False). After learn.freeze_to(-2) pre_classifier
    learns, too: the whole head. After learn.unfreeze() everything learns.""")
def freezing(d):
    groups = ("embeddings", 52, True), (f"{N_LAYERS} layers", 112, True), ("pre_classifier", 44, False), \
             ("classifier", 44, False)
    for n, (call, learning) in enumerate(FREEZING.items()):
        x, y = 176 + 152*n, 62
        d.text(x + 68, 38, call, "m b s")
        for group, (name, h, norms) in enumerate(groups):
            if n == 0: d.text(24, y + h/2, name, "m s" if "_" in name or name == "classifier" else "s", "start")
            learns = group in learning
            d.rect(x, y, 136, h, "new" if learns else "off")
            if learns or not norms: d.text(x + 68, y + h/2, "learns" if learns else "frozen", "s" if learns else "s q")
            else:
                d.text(x + 37, y + h/2, "frozen", "s q")
                d.box(x + 70, y + 8, 60, h - 16, "norms", kind="new", look="s")
            y += h + 8
    d.text(24, 366, "norms: the LayerNorms, which train_bn=False freezes, too", "s q", "start")


STATIONS = [("text", ""), ("tokens", ""), ("ids", ""), ("padded batch", "+ mask"),
            ("hidden states", ""), ("logits", ""), ("probabilities", ""), ("label", "")]
LIT = {1: ("the whole way at once", range(8)), 2: ("the model and its head", (4, 5)), 3: ("tokenizers", (0, 1, 2)),
       4: ("padding and masks", (3,)), 5: ("attention, inside the layers", (4,)),
       6: ("the whole way, inside a Learner", range(8)), 7: ("the whole way is yours", range(8))}


def you_are_here(session: int):
    said, lit = LIT[session]
    names = [" ".join(filter(None, station)) for station in STATIONS]
    here = "all of it" if len(lit) == len(names) else ", ".join(names[n] for n in lit)

    @diagram(f"You are here: session {session}",
             f"The way from text to label in eight stations; session {session} opens {here}.",
             f"""The way of a text through the course: {' → '.join(names)}. Session {session}, {said}, opens {here}.""",
             name=f"you-are-here-{session}")
    def draw(d):
        d.text(24, 36, f"Session {session}: {said}", "b", "start")
        for n, lines in enumerate(STATIONS):
            x, y = 24 + 152*(n % 4), 58 + 96*(n//4)
            d.rect(x, y, 136, 60, "mark" if n in lit else "off", r=3)
            for m, line in enumerate(filter(None, lines)):
                d.text(x + 68, y + 30 + 20*(m - bool(lines[1])/2), line, "s b" if n in lit else "s q")
            if n % 4: d.way((x - 14, y + 30), (x - 3, y + 30))
        d.way((548, 121), (548, 136), (92, 136), (92, 150))
        if session == 6:
            d.way((548, 218), (548, 234), (92, 234), (92, 218))
            d.text(320, 252, "loss → gradients → a step for the weights", "s q")


for session in LIT: you_are_here(session)


@diagram("Encoder and decoder: three kinds of attention",
    "An encoder on the left and a decoder on the right: self-attention in the encoder, masked self-attention in the "
    "decoder, and cross-attention, whose keys and values come from the encoder.",
    """The encoder reads the source. Its self-attention (1) lets each source token look at all source tokens. The
    decoder writes the target. Its self-attention (2) is masked: each target token looks at itself and at those before
    it. Cross-attention (3) joins the two: the queries come from the decoder, the keys and values from the encoder's
    output (its memory), so each target token looks at all source tokens. The three small grids show who may look at
    whom: a row looks, a column is looked at. (Residual connections and norms are left out.)""")
def cross_attention(d):
    for x, name, what in (24, "Encoder", "source tokens"), (336, "Decoder", "target tokens so far"):
        d.text(x + 140, 36, name, "b")
        d.box(x + 30, 58, 220, 34, what, kind="data", look="s")
        d.way((x + 140, 94), (x + 140, 124))
    d.box(54, 128, 220, 60, "1 · Self-attention", "all look at all")
    d.way((164, 190), (164, 218))
    d.box(54, 222, 220, 44, "Feed-forward")
    d.way((164, 268), (164, 296))
    d.box(54, 300, 220, 40, "memory", kind="new", look="b")
    d.box(366, 128, 220, 60, "2 · Self-attention", "masked: not ahead")
    d.way((476, 190), (476, 286))
    d.text(490, 238, "queries", "s q", "start")
    d.box(366, 290, 220, 60, "3 · Cross-attention", "all look at memory")
    d.way((276, 320), (362, 320))
    d.text(319, 282, "keys,", "s q")
    d.text(319, 302, "values", "s q")
    d.way((476, 352), (476, 380))
    d.box(366, 384, 220, 44, "Feed-forward")
    d.way((476, 430), (476, 458))
    d.box(366, 462, 220, 38, "next token", kind="new", look="b")
    grids = ("1", 4, 4, lambda r, c: True), ("2", 3, 3, lambda r, c: c <= r), ("3", 3, 4, lambda r, c: True)
    for n, (name, rows, columns, sees) in enumerate(grids):
        x, y = 36 + 104*n, 392
        d.text(x + 36, 376, name, "b")
        for r in range(rows):
            for c in range(columns): d.rect(x + 19*c, y + 19*r, 17, 17, "data" if sees(r, c) else "pad", r=2)
    d.text(24, 490, "row looks, column is looked at", "s q", "start")


def drawn(name: str) -> str:
    "The SVG of a diagram."
    title, _, words, draw = ALL[name]
    d = Drawing()
    draw(d)
    return d.svg(title, words)


def markdown(name: str) -> str:
    "What a notebook in nbs/ takes: the picture, and what it shows in words, folded: one block, as slides need it."
    title, alt, words, _ = ALL[name]
    folded = f"<details><summary>{title}, in words</summary><p>{escape(words, quote=False)}</p></details>"
    return f"![{alt}](images/diagrams/{name}.svg)\n\n{folded}"


def differing() -> list[str]:
    "Files of the folder that are missing, too many, or not what would be written."
    there = {path.stem: path.read_text("utf-8") for path in FOLDER.glob("*")}
    return sorted(name for name in there.keys() | ALL if there.get(name) != (name in ALL and drawn(name)))


def main(args: list[str]) -> int:
    if args[:1] == ["--markdown"]:
        if len(args) != 2 or args[1] not in ALL: sys.exit(f"--markdown takes one of: {', '.join(ALL)}")
        print(markdown(args[1]))
    elif args == ["--check"]:
        print(*(found := differing()), sep="\n")
        return bool(found)
    elif args: sys.exit(__doc__)
    else:
        FOLDER.mkdir(parents=True, exist_ok=True)
        for path in FOLDER.glob("*"): path.unlink()
        for name in ALL: (FOLDER / f"{name}.svg").write_text(drawn(name), "utf-8")
    return 0


if __name__ == "__main__": sys.exit(main(sys.argv[1:]))
