"Posts from notebooks that try to do something, in a browser."
import re

from evil_notebook import hostile

from study_group.command import blog


def test_nothing_in_a_html_post_acts(chrome, tmp_path):
    post, warnings = blog.blog(hostile(tmp_path/"evil.ipynb"), "html")
    page, asked = chrome.new_page(), []
    page.on("request", lambda r: asked.append(r.url))
    page.on("dialog", lambda d: (asked.append("dialog"), d.dismiss()))
    page.goto(post.as_uri())
    page.wait_for_timeout(300)  # that nothing is asked for, or runs, can't be waited for
    assert [a for a in asked if not a.startswith("data:")] == [post.as_uri()]
    assert page.evaluate("typeof hacked") == "undefined"
    acting = ("script, iframe, object, embed, form, input, button, base, link, video, svg, "
              "[onerror], [onload], [srcset], [background]")
    assert page.evaluate(f"document.body.querySelectorAll({acting!r}).length") == 0
    assert page.locator("td", has_text="twin").count() and page.locator("h1").inner_text().startswith("<img src=x")
    page.close()


def test_the_filter_alone_would_do(chrome, tmp_path):
    "The page's policy is the second lock: the first must hold without it."
    text = blog.blog(hostile(tmp_path/"evil.ipynb"), "html")[0].read_text()
    bare = tmp_path/"bare.html"
    bare.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", text))
    page, asked = chrome.new_page(), []
    page.on("request", lambda r: asked.append(r.url))
    page.goto(bare.as_uri())
    page.wait_for_timeout(300)  # that nothing is asked for, or runs, can't be waited for
    assert "Content-Security-Policy" not in bare.read_text() and page.evaluate("typeof hacked") == "undefined"
    assert [a for a in asked if not a.startswith("data:")] == [bare.as_uri()]
    page.close()
