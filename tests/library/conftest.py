import re

import pytest, torch
from transformers.models.t5 import modeling_t5

REFUSED = r"(U?M?|Long)T5\w+ computes attention in a way of its own|SwitchTransformers\w+ gives no token × token"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call():
    "Before transformers 5.15 nobody can listen to T5 and its kin: there a clear error is all that is asked."
    try: return (yield)
    except ValueError as e:
        if hasattr(modeling_t5, "eager_attention_forward") or not re.match(REFUSED, str(e)): raise
        pytest.skip(str(e))


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    "Tiny models gain nothing from more threads, and lose much on a busy machine."
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
