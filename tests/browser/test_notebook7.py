"""The widgets in Notebook 7: two of them worked by hand, in light and dark, without a network."""
import pytest
from driver import Lab, watch

ITS_OWN = "Cannot read properties of undefined (reading 'schema')"  # what Notebook 7.6 says of its own settings


class Notebook7(Lab):
    "A page of Notebook 7, driven as one of JupyterLab is."

    def __init__(self, page, url, folder):
        self.page, self.url, self.folder, self.log = page, url, folder, watch(page, url)

    def open(self, notebook: str):
        self.visit(f"notebooks/{notebook}")
        self.take("jupyterapp.shell.currentWidget", notebook)


@pytest.fixture
def seven(lab_page, chrome):
    "An empty notebook in Notebook 7; nothing may go wrong."
    page = chrome.new_page(viewport=dict(width=1300, height=1400))
    page.set_default_timeout(60_000)
    yield (lab := Notebook7(page, lab_page.url, lab_page.folder))
    lab.dark(False)
    assert set(lab.log) <= {ITS_OWN}
    page.close()


@pytest.mark.extra
def test_two_widgets_are_worked_by_hand(seven):
    seven.notebook("from study_group.checkpoints import load_tokenizer", "")
    assert seven.page.evaluate("() => [jupyterapp.name, jupyterapp.version[0]]") == ["Jupyter Notebook", "7"]
    seven.show("from study_group.tokenizers import TokenStrip\n"
               "strip = TokenStrip('I hate this so much!', load_tokenizer())\nstrip", ".token-strip")
    seven.page.get_by_label("Text", exact=True).fill("What a film!")
    seven.wait_for(".token .chip", "film", 2)
    seven.until("strip.text == 'What a film!'")
    ids = seven.ask("strip.tokenizer('What a film!', add_special_tokens=False)['input_ids']")
    assert seven.texts(".token .id") == [str(n) for n in ids]
    check_dark(seven)

    seven.show("from study_group.padding import MaskBench\nbench = MaskBench(['I love this.', 'So much!'])\nbench",
               ".mask-bench")
    seven.settled()
    seven.page.locator(".mask-bench .cell[data-row='0'][data-column='2']").click()
    seven.until("bench.attention_mask[0][2] == 0")
    seven.settled()
    assert seven.texts(".cell[data-row='0'] .bit") == ["1", "1", "0", "1", "1", "1"]
    check_dark(seven)


def check_dark(lab):
    "The widget that is shown follows the theme, and alone: its static form is hidden."
    widget = lab.page.locator(lab.widget)
    light = widget.evaluate("e => getComputedStyle(e).color")
    lab.dark()
    lab.page.wait_for_selector(f"{lab.widget}[data-theme=dark]")
    assert widget.evaluate("e => getComputedStyle(e).color") != light
    assert lab.page.locator("[id^=study-]:visible").count() == 0
    lab.dark(False)
    lab.page.wait_for_selector(f"{lab.widget}[data-theme=light]")
