"A course notebook becomes a post."
import pytest
from places import REPO

from study_group.command import blog


@pytest.mark.parametrize("to", ["markdown", "html"])
def test_a_course_notebook_becomes_a_post(tmp_path, to):
    post, _ = blog.blog(REPO/"nbs/01_pipeline.ipynb", to, tmp_path)
    text = post.read_text()
    assert text.count('src="data:image/png;base64,') >= 20 and "google.colab" not in text
    assert not any(plumbing in text for plumbing in ("#| ", "#@title", "from fastcore.test import"))
    assert "Behind the pipeline" in text[:1500]
