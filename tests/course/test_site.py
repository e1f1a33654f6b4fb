"The course as pages: what a page leaves out, and where its links lead."
import shutil, subprocess, sys
from itertools import chain

import course_pages, pytest
from places import NBS, REPO, tracked
from sphinx.util.matching import patfilter

from study_group.course import blog


def code(source: str, **metadata) -> dict: return dict(cell_type="code", source=[source], metadata=metadata)


def test_directives_and_hidden_cells_are_left_out():
    assert course_pages.for_readers(code("#| export\nx = 1"), "index")["source"] == "x = 1"
    assert course_pages.hidden(code("#| hide\nx = 1"))
    assert not course_pages.hidden(dict(cell_type="markdown", source=["#| hide"]))
    folded = course_pages.for_readers(code("x = 1", jupyter=dict(source_hidden=True)), "index")
    assert folded["metadata"] == dict(tags=["hide-input"])


def test_links_lead_to_pages_or_to_the_repository():
    def elsewhere(text, page="index"): return course_pages.elsewhere(text, page)
    for page in ("solutions/01_pipeline", "under_the_hood/data"):
        assert elsewhere("[a](../01_pipeline.ipynb#Step-1)", page) == "[a](../01_pipeline.ipynb#Step-1)"
        assert elsewhere("[rules](../../CONTRIBUTING.md)", page).endswith("/blob/main/CONTRIBUTING.md)")
    for near in ("[a](../../01_pipeline.ipynb)", "[a](../core/data.ipynb#there)"):
        assert elsewhere(near, "under_the_hood/batching/calls") == near
    assert elsewhere("[tests](../../../tests/x.py)", "under_the_hood/core/data").endswith("/blob/main/tests/x.py)")
    assert elsewhere("[rules](../CONTRIBUTING.md)").endswith("/blob/main/CONTRIBUTING.md)")
    assert elsewhere("[![Open In Colab](https://x/y.svg)](https://z)") == "[Open In Colab](https://z)"


def test_every_page_is_in_the_sidebar():
    pages = {path.relative_to(NBS).with_suffix("").as_posix() for path in tracked("nbs", suffix=".ipynb")}
    rooms = {"under_the_hood/data", "under_the_hood/core/texts"}
    patterns = course_pages.trees(pages | rooms).split("\n")
    found = set(chain.from_iterable(patfilter(pages | rooms, line.rpartition("<")[2].rstrip(">")) for line in patterns))
    assert found == (pages | rooms) - {"index"}


def test_a_page_with_fewer_widgets_than_it_holds_is_an_error():
    twin = dict(output_type="display_data", data={"text/html": '<div id="study-0123456789ab">hug</div>'})
    cell = code("strip") | dict(outputs=[twin])
    course_pages.enliven(cell, ["<div data-page='1'></div>"])
    assert twin["data"]["text/html"] == "<div data-page='1'></div>"
    with pytest.raises(ValueError, match="shows 0 widgets, but holds 1"):
        course_pages.enliven(code("strip") | dict(outputs=[dict(data={"text/html": '<div id="study-01">'})]), [])


def listed_posts(folder, *options: str) -> str:
    "What the page of posts says, of those in `folder`/nbs/posts."
    nbs, pages = folder / "nbs", folder / "pages"
    shutil.copy(NBS / "posts.md", nbs)
    (nbs / "index.md").write_text("# The course\n\n```{toctree}\nposts\n```\n")
    (folder / "widgets.json").write_text("{}")
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", *options, "-c", REPO / "tools/website", "-D",
                           f"widgets={folder}/widgets.json", nbs, pages], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return (pages / "posts.html").read_text(encoding="utf-8")


def test_no_post_is_no_error(tmp_path):
    (tmp_path / "nbs").mkdir()
    assert "Nobody has written one yet." in listed_posts(tmp_path, "--fail-on-warning")


def test_the_posts_of_a_group_are_on_one_page(tmp_path):
    "A notebook made a post by `study-group blog`, as the homework says, stands in the list with its picture."
    nbs, pages = tmp_path / "nbs", tmp_path / "pages"
    (nbs / "posts").mkdir(parents=True)
    blog(NBS / "07_homework.ipynb", out=nbs / "posts/ada")
    listed = listed_posts(tmp_path)
    assert 'href="posts/ada/07_homework.html">Homework<' in listed
    post = (pages / "posts/ada/07_homework.html").read_text(encoding="utf-8")
    assert "You know a thing when you" in post and (pages / "_images/you-are-here-7.svg").is_file()
