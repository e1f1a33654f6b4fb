"The course as pages: what a page leaves out, and where its links lead."
import course_pages, pytest


def code(source: str, **metadata) -> dict: return dict(cell_type="code", source=[source], metadata=metadata)


def test_directives_and_hidden_cells_are_left_out():
    assert course_pages.for_readers(code("#| export\nx = 1"))["source"] == "x = 1"
    assert course_pages.hidden(code("#| hide\nx = 1"))
    assert not course_pages.hidden(dict(cell_type="markdown", source=["#| hide"]))
    folded = course_pages.for_readers(code("x = 1", jupyter=dict(source_hidden=True)))
    assert folded["metadata"] == dict(tags=["hide-input"])


def test_links_lead_to_pages_or_to_the_repository():
    assert course_pages.elsewhere("[a](../01_pipeline.ipynb#Step-1)") == "[a](../01_pipeline.ipynb#Step-1)"
    assert course_pages.elsewhere("[rules](../CONTRIBUTING.md)").endswith("/blob/main/CONTRIBUTING.md)")
    assert course_pages.elsewhere("[![Open In Colab](https://x/y.svg)](https://z)") == "[Open In Colab](https://z)"


def test_a_page_with_fewer_widgets_than_it_holds_is_an_error():
    twin = dict(output_type="display_data", data={"text/html": '<div id="study-0123456789ab">hug</div>'})
    cell = code("strip") | dict(outputs=[twin])
    course_pages.enliven(cell, ["<div data-page='1'></div>"])
    assert twin["data"]["text/html"] == "<div data-page='1'></div>"
    with pytest.raises(ValueError, match="shows 0 widgets, but holds 1"):
        course_pages.enliven(code("strip") | dict(outputs=[dict(data={"text/html": '<div id="study-01">'})]), [])
