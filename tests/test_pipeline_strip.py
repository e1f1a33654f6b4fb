"""The pipeline strip in a real JupyterLab: seen, clicked and typed into."""
import pytest

TWO = ("from study_group.pipeline import trace",
       "strip = trace([\"I've been waiting for a HuggingFace course my whole life.\", 'I hate this so much!']).widget()",
       "strip")


@pytest.fixture
def strip(lab):
    lab.cells(*TWO)
    lab.page.wait_for_selector(".pipeline-strip[data-ready]")
    return lab
