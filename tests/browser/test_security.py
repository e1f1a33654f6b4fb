"What the forms of widgets ask of the network."
from every_widget import MAKERS, make


def test_no_form_asks_the_network(chrome, tmp_path, monkeypatch):
    "The static form and the page of each widget ask nobody for anything; live ones are watched by the fixture `lab`."
    page, asked, kept = chrome.new_page(), [], []
    page.on("request", lambda r: asked.append(r.url) if not r.url.startswith(("data:", "blob:")) else None)
    for name in MAKERS:
        widget = make(name)
        for kind, text in dict(twin=widget.html(), page=widget.page()).items():
            (path := tmp_path/f"{name}-{kind}.html").write_text(text, "utf-8")
            page.goto(path.as_uri())
            kept.append(path.as_uri())
    page.wait_for_timeout(200)  # that nothing is asked for can't be waited for
    page.close()
    assert asked == kept
