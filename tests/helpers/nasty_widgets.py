"Widgets in which all is one text; a kernel gets all widgets by `from nasty_widgets import *`."
from pathlib import Path
from tempfile import TemporaryDirectory

from nasty import FINE

from study_group.widgets.attention_grid import AttentionGrid
from study_group.widgets.flight_recorder import FlightRecorder
from study_group.widgets.mask_bench import MaskBench
from study_group.widgets.merge_theatre import MergeTheatre
from study_group.padding import padding_table
from study_group.widgets.pipeline_strip import PipelineStrip
from study_group.widgets.quiz import Quiz
from study_group.widgets.token_strip import TokenStrip
from study_group.widgets.tokenizer_race import TokenizerRace
from study_group.tokenizers import WordTokenizer

__all__ = ["AttentionGrid", "FlightRecorder", "MaskBench", "MergeTheatre", "PipelineStrip", "Quiz", "TokenStrip",
           "TokenizerRace", "padding_table", "events_of", "own", "quiz"]


def own(text: str) -> WordTokenizer:
    "A tokenizer for which the whole `text` is one token, so that nothing takes the harm out by cutting."
    return WordTokenizer(pre_tokenizer=None).train([text, FINE], 5000)


def quiz(text: str) -> Quiz:
    "A quiz in which all is `text`."
    def said(text): return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08X}" for c in text) + '"'
    text = text.replace("`", "")
    if text.strip(): text = f"`{text}` {text}"
    answers = "".join(f"[[question.answer]]\ntext = {said(text + str(n))}\nright = {right}\nwhy = {said(text)}\n"
                      for n, right in enumerate(("true", "false")))
    with TemporaryDirectory() as folder:
        path = Path(folder, "own.toml")
        path.write_text(f"[[question]]\nask = {said(text)}\n{answers}")
        return Quiz(path)


def events_of(text: str) -> list[dict]:
    "What a recorder is told, all of it `text`."
    rows = [dict(text=text, tokens=[text], ids=[1], reads=[text], kinds=["word"], mask=[1], label=text, logits=[.5])]
    return [dict(phase=phase, steps=["tokenize", "label"], where=text, note=text, calls=2, rows=rows)
            for phase in ("dataset", "item", "model")]
