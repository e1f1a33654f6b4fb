import pytest, torch


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    "Tiny models gain nothing from more threads, and lose much on a busy machine."
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
