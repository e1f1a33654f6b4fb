"The token strip without Python: tokens of any text are what Python finds, and what is said of them what Python says."
import random

from nasty import NASTY, SHORT

from study_group.checkpoints import load_tokenizer
from study_group.tokenizers import BPETokenizer
from study_group.widgets.token_strip import TokenStrip, rows_of, say_counts

TEXTS = [*(NASTY[name] for name in SHORT), "Unhug the HuggingFace ☃!", "שלום, עולם! 1", "1 مرحبا", "ひらがな と 漢字 한국어 ไทย",
         "Ça été naïve e\u0301\u0323", "a\x1cb\x85c\ufeffd e", "x" * 101, "a " * 7 + "tokenization", "the so " * 700]
SAID = """async ([text, special]) => {
    const [study, all] = [document.querySelector("[data-page]").study, (at) => [...document.querySelectorAll(at)]];
    study.set("text", text);
    study.set("special_tokens", special);
    await study.idle();
    return { counts: Object.fromEntries(all(".head [data-fact]").map((e) => [...e.children].map((c) => c.textContent))),
             legend: all(".legend li").map((e) => e.className),
             dirs: [all(".board")[0].dir, getComputedStyle(all("textarea")[0]).direction] };
}"""


def test_tokens_of_any_text_are_what_python_finds(live):
    words = sorted(load_tokenizer().get_vocab())
    steps = [step for n, text in enumerate(TEXTS)
             for step in (dict(text=text), dict(token=0, special_tokens=n % 2 == 0))]
    steps += [dict(text=" ".join(word for word in words if not word.startswith("##"))),
              dict(text=" ".join("x" + word[2:] for word in words if word.startswith("##")))]
    assert live.same(TokenStrip("hug"), steps) == []


def test_every_character_is_told_as_python_tells_it(live):
    characters = [chr(n) for n in range(1, 0x110000) if not 0xd800 <= n < 0xe000]
    chosen = characters[:12_000] + random.Random(0).sample(characters, 24_000)
    steps = [dict(text=" ".join(chosen[n:n + 6000])) for n in range(0, len(chosen), 6000)]
    assert live.same(TokenStrip("hug"), steps) == []


def test_counts_signs_and_direction_are_what_python_and_the_box_have(live):
    page = live.open(strip := TokenStrip("hug"))
    for n, text in enumerate([*TEXTS, "", " "]):
        strip.text, strip.special_tokens = text, n % 2 == 0
        said = page.evaluate(SAID, [text, strip.special_tokens])
        assert said["counts"] == say_counts(strip._view)
        assert said["legend"] == [kind for n, (kind, meaning) in enumerate(strip._view["kinds"])
                                  if meaning and n in rows_of(strip._view)[4]]
        assert len({*said["dirs"]}) == 1


def test_what_is_typed_is_tokenized(live):
    page = live.open(TokenStrip("hug"))
    box, alarm = page.get_by_label("Text", exact=True), page.locator(".token-strip .error")
    box.fill("שלום HuggingFace!")
    page.locator(".token[data-token='5']").wait_for()
    assert page.locator(".token .chip").all_inner_texts() == load_tokenizer().tokenize("שלום HuggingFace!")
    assert page.locator(".board").get_attribute("dir") == "rtl"
    page.get_by_label("special tokens").check()
    page.locator(".token.special").first.wait_for()
    assert page.locator("[data-fact='of them added'] dd").inner_text() == "2"
    box.evaluate("e => { e.value = 'half: \\ud83d'; e.dispatchEvent(new Event('input')); }")
    alarm.get_by_text("half a character").wait_for()
    box.fill("שלום HuggingFace!")
    alarm.wait_for(state="hidden")


def test_other_tokenizers_stay_as_they_are(live):
    page = live.page
    strip = TokenStrip("hug", BPETokenizer().train(["hug hugs"], 20))
    (live.folder/"page.html").write_text(strip.fragment(live.engine), encoding="utf-8")
    page.goto((live.folder/"page.html").as_uri())
    assert "can't take other texts" in page.locator(".offline").inner_text()
    assert page.get_by_label("Text", exact=True).get_attribute("readonly") is not None
