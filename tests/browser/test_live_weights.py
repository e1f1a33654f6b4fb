"""The weights' ways into a page: from a server, from a disk, out of itself; and what it says where they don't come."""
import functools, http.server, os, threading
from base64 import b64decode

import pytest

from study_group.widgets.live import weights_base64, weights_info, weights_script
from study_group.widgets.scripts import bundle

DAMAGED = "The model didn't arrive whole: load this page again."
GET = """async (asked) => {
    const told = [];
    try {
        const bytes = new Uint8Array(await getWeights(asked, (part) => told.push(part)));
        const text = await new Promise((done) => {
            const reader = new FileReader();
            reader.onload = () => done(reader.result.split(",")[1]);
            reader.readAsDataURL(new Blob([bytes]));
        });
        return { text, told };
    } catch (error) { return { error: error.message, told }; }
}"""


class Server(http.server.SimpleHTTPRequestHandler):
    "A plain static server, which says that a script is UTF-8."
    extensions_map = {**http.server.SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript; charset=utf-8"}
    def log_message(self, *_): pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    "A page, and weights in which every byte stands beside every other."
    folder = tmp_path_factory.mktemp("weights")
    pairs = bytes(byte for first in range(256) for second in range(256) for byte in (first, second))
    (folder / "model.safetensors").write_bytes(os.urandom(3 * 2**20) + pairs)
    (folder / weights_info(folder)["name"]).write_bytes(weights_script(folder))
    script = bundle('import { getWeights } from "./live/weights.js";\n', "page.js", {})
    (folder / "page.html").write_text(f"""<!doctype html><meta charset="utf-8"><title>weights</title>
        <script type="text/plain" id="inside">{weights_base64(folder)}</script>
        <script type="module">{script}globalThis.getWeights = getWeights;</script>""", encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def served(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(params=["served", "from disk"])
def page(request, chrome, folder, served):
    page = chrome.new_page()
    page.goto(f"{served if request.param == 'served' else folder.as_uri()}/page.html")
    page.wait_for_function("() => globalThis.getWeights")
    yield page
    page.close()


def asked(folder, **changes) -> dict:
    info = weights_info(folder)
    return dict(url=info["name"], size=info["size"], sha256=info["sha256"]) | changes


def test_every_byte_arrives(page, folder):
    for inline in ("", "inside"):
        found = page.evaluate(GET, asked(folder, inline=inline))
        assert b64decode(found["text"]) == (folder / "model.safetensors").read_bytes()
        assert found["told"] == sorted(found["told"]) and found["told"][-1] == 1


def test_two_may_ask_at_once(page, folder):
    twice = page.evaluate(f"async (asked) => {{ const get = {GET}; return Promise.all([get(asked), get(asked)]); }}",
                          asked(folder))
    for found in twice: assert b64decode(found["text"]) == (folder / "model.safetensors").read_bytes()


def test_an_address_without_https_has_no_checksum_but_gzips(page, folder):
    page.evaluate("Object.defineProperty(crypto, 'subtle', { value: undefined })")
    found = page.evaluate(GET, asked(folder, sha256="0" * 64))
    assert b64decode(found["text"]) == (folder / "model.safetensors").read_bytes()


def changed(folder, name: str, change) -> str:
    data = bytearray(weights_script(folder))
    (folder / name).write_bytes(change(data))
    return name


def other(data: bytearray) -> bytearray:
    "One byte is another, which needs no backslash either."
    at = next(n for n in range(10**6, len(data)) if 50 < data[n] < 80)
    data[at] += 1
    return data


DAMAGES = {
    "cut in a string": lambda data: data[:10**6], "cut behind a string": lambda data: data[:data.index(b"\n") + 1],
    "empty": lambda data: b"", "another byte": other, "more at the end": lambda data: data + b'studyWeights("?");\n'}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_told(page, folder, damage):
    name = changed(folder, f"{damage}.js", DAMAGES[damage])
    assert page.evaluate(GET, asked(folder, url=name))["error"] == DAMAGED


def test_other_weights_are_told(page, folder):
    for inline in ("", "inside"):
        found = page.evaluate(GET, asked(folder, sha256="0" * 64, inline=inline))
        assert found["error"] == DAMAGED


def test_what_isnt_there_is_told(page, folder):
    error = page.evaluate(GET, asked(folder, url="gone.js"))["error"]
    where = "The model isn't where this page looks for it" if page.url.startswith("file:") else "can't be fetched (404)"
    assert where in error and "gone.js" in error


def test_a_saved_page_that_lost_some_is_told(page, folder):
    page.evaluate("() => { document.querySelector('#inside').textContent += '?'; }")
    assert page.evaluate(GET, asked(folder, inline="inside"))["error"] == DAMAGED


def test_no_connection_is_told(page, folder):
    page.context.set_offline(True)
    found = page.evaluate(GET, asked(folder, url="http://127.0.0.1:9/weights.js"))
    page.context.set_offline(False)
    assert found["error"] == "The model can't be fetched (no connection): http://127.0.0.1:9/weights.js"


def test_an_old_browser_and_little_memory_are_told(page, folder):
    page.evaluate("() => { Response.prototype.arrayBuffer = async () => { throw new RangeError('no room'); }; }")
    assert "needs more memory than is left: close other tabs" in page.evaluate(GET, asked(folder))["error"]
    page.evaluate("delete globalThis.DecompressionStream")
    assert "too old to unpack the model: update it" in page.evaluate(GET, asked(folder))["error"]


def test_the_bundled_weights_come_from_disk(chrome, folder):
    info = weights_info()
    (folder / info["name"]).write_bytes(script := weights_script())
    assert len(script) < 43e6
    page = chrome.new_page()
    page.goto((folder / "page.html").as_uri())
    page.wait_for_function("() => globalThis.getWeights")
    digest = page.evaluate("""async (asked) => {
        const digest = await crypto.subtle.digest("SHA-256", await getWeights(asked));
        return [...new Uint8Array(digest)];
    }""", dict(url=info["name"], size=info["size"], sha256=info["sha256"]))
    page.close()
    assert bytes(digest).hex() == info["sha256"]
