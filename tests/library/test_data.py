"load_reviews against an index of our own with a tiny archive, laid out like the real one; corpus, bundled_reviews."
import hashlib, io, random, re, socket, subprocess, sys, tarfile, threading, time
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from urllib.request import Request

import pytest

from study_group.core import data
from study_group.data import KINDS, SDIST, bundled_reviews, corpus, load_reviews, split_of

SPLITS = "train", "validation", "test"
PAGE, FILE = "/simple/vadersentiment/", f"/files/{SDIST}"
MOVIES = ["1\t2.5\tA fine film!", "2\t-1.25\tDull – and “long”.", "", "3\t0.0\tSo, so;\tbut \"fair\" ",
          "4\t-3.0\ta FINE (film)", *[f"{n}\t{n%7 - 3}.5\tFilm number {n}" for n in range(5, 205)]]


def key(text): return re.sub(r"[^a-z0-9]+", " ", text.lower()).strip()


def packed(files: dict[str, bytes]) -> bytes:
    "A .tar.gz of `files`."
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return file.getvalue()


@pytest.fixture(scope="session")
def archive():
    "A small archive with the inner layout of the real one, and noise, so that it takes many blocks."
    texts = {kind: [f"1\t1.5\tOne {kind}"] for kind in KINDS} | dict(movie=MOVIES)
    inner = {f"hutto_ICWSM_2014/{KINDS[k]}_GroundTruth.txt": "\r\n".join(v).encode() for k, v in texts.items()}
    root = SDIST.removesuffix(".tar.gz")
    return packed({f"{root}/noise": random.Random(0).randbytes(300_000),
                   f"{root}/additional_resources/hutto_ICWSM_2014.tar.gz": packed(inner)})


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *args): pass

    def say(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": len(body), **headers}.items(): self.send_header(name, str(value))
        self.end_headers()
        while self.server.drip and not self.server.over.wait(.5): self.wfile.write(b" ")
        self.wfile.write(body[:self.server.cut])

    def do_GET(self):
        index, asked = self.server, self.headers["Range"]
        index.asked.append((self.path, asked))
        index.logins.append(self.headers["Authorization"])
        if index.login and self.headers["Authorization"] != index.login: return self.send_error(401)
        if self.path in index.status: return self.send_error(index.status[self.path])
        if self.path in index.moved: return self.say(b"", 302, Location=index.moved[self.path])
        if self.path == index.page: return self.say(index.html)
        if self.path != index.place: return self.send_error(404)
        start = int(asked[6:-1]) if asked and index.ranges else 0
        if start >= len(index.file): return self.send_error(416)
        body = index.file[start:]
        index.sent += len(body[:index.cut])
        span = {"Content-Range": f"bytes {start}-{len(index.file) - 1}/{len(index.file)}"} if start else {}
        self.say(body, 206 if start else 200, **span)
        if index.stall: index.over.wait()


class Index(ThreadingHTTPServer):
    "A package index with one file. `cut`: answers end after so many bytes; `stall`: the line stays open; `drip`: slow."
    daemon_threads = True
    page, place, cut, stall, drip, ranges, login = PAGE, FILE, None, False, False, True, None

    def __init__(self, file):
        super().__init__(("127.0.0.1", 0), Handler)
        self.file, self.sent, self.over = file, 0, threading.Event()
        self.asked, self.logins, self.status, self.moved = [], [], {}, {}
        self.html = f'<a href="other-1.0.tar.gz">x</a> <a href="../..{FILE}#sha256=0">{SDIST}</a>'.encode()

    def handle_error(self, *args): pass  # a client that hangs up


@contextmanager
def serving(index):
    threading.Thread(target=index.serve_forever, args=(.05,), daemon=True).start()
    try: yield index
    finally:
        index.over.set()
        index.shutdown()
        index.server_close()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_GROUP_CACHE", str(tmp_path/"cache"))
    return tmp_path/"cache"


def use(monkeypatch, url):
    monkeypatch.setenv("PIP_INDEX_URL", url)
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def index(archive, cache, monkeypatch):
    "A healthy index, in use, with an empty cache."
    monkeypatch.setattr(data, "SDIST_SHA256", hashlib.sha256(archive).hexdigest())
    with serving(Index(archive)) as index:
        use(monkeypatch, f"http://127.0.0.1:{index.server_port}/simple")
        yield index


def kept(cache): return sorted(f.name for f in cache.iterdir()) if cache.exists() else []


def part(cache): return cache/SDIST.replace(".gz", ".part")


def all_movies(): return [t for s in SPLITS for t in load_reviews(s).text]


def fails(match):
    "load_reviews raises an OSError that says `match` and the remedy."
    with pytest.raises(OSError, match=match) as e: load_reviews()
    assert "bundled_reviews()" in str(e.value)


# what it gives

def looks_rated(frame):
    assert list(frame.columns) == ["text", "rating", "label"] and list(frame.index) == list(range(len(frame)))
    assert [frame[c].dtype.kind for c in ("rating", "label")] == ["f", "i"]
    assert all(isinstance(t, str) and t == t.strip() for t in frame.text)
    assert list(frame.label) == [int(r > 0) for r in frame.rating]


def test_reviews_are_a_frame_of_text_rating_and_label(index): looks_rated(load_reviews())


def test_rows_are_read_as_they_are_written(index):
    rows = {t: (r, l) for s in SPLITS for t, r, l in load_reviews(s).itertuples(index=False)}
    assert rows["A fine film!"] == (2.5, 1) and rows["Dull – and “long”."] == (-1.25, 0)
    assert rows['So, so;\tbut "fair"'] == (0, 0)


def test_a_sentence_that_reads_the_same_is_kept_once_the_first(index):
    texts = all_movies()
    assert "a FINE (film)" not in texts and len(texts) == len({key(t) for t in texts}) == 203


def test_every_row_is_in_exactly_one_split(index):
    splits = {s: set(load_reviews(s).text) for s in SPLITS}
    assert sum(map(len, splits.values())) == len(set().union(*splits.values())) == 203
    assert len(splits["train"]) > 130 and min(map(len, splits.values())) > 5
    assert all(split_of(t) == s for s, texts in splits.items() for t in texts)


def test_split_goes_by_letters_and_digits_only():
    for split, text in dict(train="Film number 5", validation="Film number 24", test="Film number 7").items():
        assert split_of(text) == split_of(f"“{text.upper()}”?!") == split


def test_limit_takes_the_first_rows(index):
    frame = load_reviews()
    assert load_reviews(limit=3).equals(frame[:3]) and load_reviews(limit=10_000).equals(frame)


@pytest.mark.parametrize("kind", ["product", "tweet", "editorial"])
def test_each_kind_is_its_own_file(index, kind):
    assert [t for s in SPLITS for t in load_reviews(s, kind=kind).text] == [f"One {kind}"]


def test_second_call_makes_no_request(index, cache):
    first = load_reviews()
    assert [path for path, _ in index.asked] == [PAGE, FILE] and kept(cache) == [SDIST]
    assert load_reviews().equals(first) and len(load_reviews(kind="tweet")) <= 1 and len(index.asked) == 2


@pytest.mark.parametrize("wrong", [
    dict(split="valid"), dict(split=None), dict(split=["train"]), dict(kind="film"), dict(limit=0), dict(limit=-1),
    dict(limit=2.5), dict(limit="3"),
    dict(kind=["movie"])], ids=str)
def test_wrong_arguments_are_named_before_any_request(index, wrong):
    (name, value), = wrong.items()
    with pytest.raises(ValueError, match=re.escape(f"{name}={value!r}")): load_reviews(**wrong)
    assert not index.asked


# a line that breaks

def test_a_broken_download_says_so_and_goes_on_where_it_stopped(index, archive, cache):
    index.cut = len(archive)//2
    fails(f"closed after {index.cut:,} of {len(archive):,} bytes.*what has arrived is kept")
    assert kept(cache) == [part(cache).name] and part(cache).read_bytes() == archive[:index.cut]
    asked, index.cut = index.cut, None
    assert len(all_movies()) == 203
    assert index.asked[-1] == (FILE, f"bytes={asked}-") and index.sent == len(archive) and kept(cache) == [SDIST]


def test_a_download_may_break_again_and_again(index, archive, cache):
    index.cut = len(archive)//3
    for _ in range(2): fails("closed after")
    assert part(cache).stat().st_size == 2*index.cut
    index.cut = None
    load_reviews()
    assert index.sent == len(archive)


def test_a_server_that_ignores_range_is_read_from_the_start(index, archive, cache):
    cache.mkdir()
    part(cache).write_bytes(archive[:1000])
    index.ranges = False
    assert len(all_movies()) == 203 and index.asked[-1] == (FILE, "bytes=1000-") and index.sent == len(archive)


def test_a_download_that_stalls_fails_within_bounds_and_keeps_its_part(index, archive, cache):
    index.cut, index.stall, start = 200_000, True, time.monotonic()
    fails("timed out.*what has arrived is kept")
    assert time.monotonic() - start < 30
    assert part(cache).read_bytes() == archive[:200_000]
    index.cut, index.stall = None, False
    assert len(all_movies()) == 203 and index.sent == len(archive)


def test_an_index_that_drips_its_page_fails_within_bounds(index):
    index.drip, start = True, time.monotonic()
    fails("no answer in")
    assert time.monotonic() - start < 30


def test_an_index_that_never_answers_fails_within_bounds(cache, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(monkeypatch, f"http://127.0.0.1:{silent.getsockname()[1]}/simple")
        start = time.monotonic()
        fails("timed out|no answer")
    assert time.monotonic() - start < 30 and kept(cache) == []


def test_an_index_that_refuses(cache, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        use(monkeypatch, f"http://127.0.0.1:{closed.getsockname()[1]}/simple")
        fails("refused")


# files that aren't what they should be

def test_a_wrong_checksum_leaves_nothing_behind(index, archive, cache):
    index.file = archive[:-1] + b"x"
    fails("isn't the file we expect.*SHA-256")
    assert kept(cache) == []
    index.file = archive
    assert len(load_reviews()) and kept(cache) == [SDIST]


def test_a_part_of_another_file_is_thrown_away(index, cache):
    cache.mkdir()
    part(cache).write_bytes(b"another file")
    fails("isn't the file we expect")
    assert kept(cache) == [] and len(load_reviews())


@pytest.mark.parametrize("more", [b"", b"and more"], ids=["complete", "too long"])
def test_a_part_that_is_complete_or_too_long_is_no_trap(index, archive, cache, more):
    cache.mkdir()
    part(cache).write_bytes(archive + more)
    try: load_reviews()
    except OSError: pass  # it may fail once, if it cleans up
    assert len(load_reviews()) and kept(cache) == [SDIST]


@pytest.mark.parametrize("content", [b"", b"junk", None], ids=["empty", "junk", "a byte off"])
def test_a_corrupted_cache_is_fetched_again(index, archive, cache, content):
    cache.mkdir()
    (cache/SDIST).write_bytes(archive[:-1] + b"x" if content is None else content)
    assert len(all_movies()) == 203 and index.sent == len(archive) and (cache/SDIST).read_bytes() == archive


# odd indexes

@pytest.mark.parametrize("path, status", [(PAGE, 404), (FILE, 404), (PAGE, 503), (FILE, 403)])
def test_an_error_of_the_server_is_told(index, cache, path, status):
    index.status[path] = status
    fails("The real reviews couldn't be downloaded")
    assert kept(cache) == []


def test_an_index_without_the_file(index, cache):
    index.html = b'<a href="../../files/vaderSentiment-3.3.2.tar.gz#sha256=0">vaderSentiment-3.3.2.tar.gz</a>'
    fails(f"The package index has no {SDIST}")
    assert kept(cache) == []


def test_links_may_be_absolute_and_the_address_may_end_in_a_slash(index, monkeypatch):
    index.html = f'<a data-requires-python="" href="http://127.0.0.1:{index.server_port}{FILE}">f</a>'.encode()
    use(monkeypatch, f"http://127.0.0.1:{index.server_port}/simple/")
    assert len(load_reviews())


def test_links_of_an_index_that_moved_are_those_of_its_new_place(index):
    index.page = index.moved[PAGE] = "/mirror/vadersentiment/"
    index.place, index.html = index.page + SDIST, f'<a href="{SDIST}">{SDIST}</a>'.encode()
    assert len(load_reviews())


def test_a_page_that_is_no_index_at_all(index):
    index.html = "<h1>Bitte erst anmelden: Zugang nur für Gäste</h1>".encode("latin-1")
    fails("The package index has no")


def test_an_index_with_a_password_is_used(index, monkeypatch):
    index.login = "Basic YW5uOnNlY3JldA=="  # ann:secret
    use(monkeypatch, f"http://ann:secret@127.0.0.1:{index.server_port}/simple")
    assert len(load_reviews())


def test_the_password_of_an_index_is_for_that_index_only(index, archive, monkeypatch):
    with serving(Index(archive)) as other:
        index.moved[PAGE] = f"http://127.0.0.1:{other.server_port}{PAGE}"
        use(monkeypatch, f"http://ann:secret@127.0.0.1:{index.server_port}/simple")
        assert len(load_reviews()) and index.logins == ["Basic YW5uOnNlY3JldA=="] and other.logins == [None, None]


def test_the_password_of_an_index_goes_along_when_it_moves_on_its_host(index, monkeypatch):
    index.login = "Basic YW5uOnNlY3JldA=="
    index.page, index.place = "/mirror/vadersentiment/", "/store/file"
    index.moved = {PAGE: index.page, FILE: "/cdn", "/cdn": f"http://127.0.0.1:{index.server_port}{index.place}"}
    use(monkeypatch, f"http://ann:secret@127.0.0.1:{index.server_port}/simple")
    assert len(load_reviews()) and index.logins == [index.login]*5


def test_the_password_of_an_index_does_not_come_back_from_another(index, archive, monkeypatch):
    with serving(Index(archive)) as other:
        index.moved[PAGE] = f"http://127.0.0.1:{other.server_port}{PAGE}"
        other.moved[PAGE] = f"http://127.0.0.1:{index.server_port}/back/"
        index.page = "/back/"
        use(monkeypatch, f"http://ann:secret@127.0.0.1:{index.server_port}/simple")
        load_reviews()
    assert other.logins == [None] and index.logins[:2] == ["Basic YW5uOnNlY3JldA==", None]


@pytest.mark.parametrize("place, goes", [
    ("https://127.0.0.1/x", True), ("http://127.0.0.1/x", False), ("https://127.0.0.1:8443/x", False),
    ("https://bob:other@127.0.0.1/x", False), ("https://127.0.0.1.example.org/x", False),
    ("https://127.0.0.1@example.org/x", False)])
def test_the_password_of_an_index_is_never_sent_in_the_clear_or_elsewhere(monkeypatch, place, goes):
    use(monkeypatch, "https://ann:secret@127.0.0.1/simple")
    page = SimpleNamespace(url="https://127.0.0.1/simple/vadersentiment/", read=f'<a href="{place}/{SDIST}">'.encode)
    monkeypatch.setattr(data, "_open", lambda url: nullcontext(page))
    assert data._sdist_url() == f"{place}/{SDIST}".replace("://", "://ann:secret@"*goes or "://")
    request = Request("https://127.0.0.1/simple/vadersentiment/")
    request.add_unredirected_header("Authorization", "ours")
    sent = data._Redirects().redirect_request(request, None, 302, "", {}, place)
    assert sent.get_header("Authorization") == ("ours" if goes else None)


@pytest.mark.parametrize("scheme", [
    "http://", ""])
def test_the_password_of_an_index_is_not_shown(cache, monkeypatch, scheme):
    use(monkeypatch, f"{scheme}ann:secret@127.0.0.1/simple")
    with pytest.raises(OSError) as e: load_reviews()
    assert "secret" not in str(e.value)


@pytest.mark.parametrize("url", ["simple", "127.0.0.1/simple"])
def test_an_address_that_is_none_is_an_oserror(cache, monkeypatch, url):
    use(monkeypatch, url)
    fails(re.escape(url))


@pytest.mark.parametrize("folder, named", [
    ("file/cache", "file"), ("/proc/self", "/proc")])
def test_a_cache_that_cannot_be_written_is_named_with_the_remedy(index, tmp_path, monkeypatch, folder, named):
    (tmp_path/"file").touch()
    monkeypatch.setenv("STUDY_GROUP_CACHE", str(tmp_path/folder))
    with pytest.raises(OSError, match=f"{re.escape(str(tmp_path/named))}.*STUDY_GROUP_CACHE"): load_reviews()


# where it looks

INDEX_SETTINGS = "UV_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_INDEX_URL"  # the last one wins


def test_index_url_is_what_the_environment_says(monkeypatch):
    for name in INDEX_SETTINGS: monkeypatch.delenv(name, raising=False)
    for name in INDEX_SETTINGS:
        monkeypatch.setenv(name, f"http://127.0.0.1/{name}")
        assert data.index_url() == f"http://127.0.0.1/{name}"
    monkeypatch.setenv("PIP_INDEX_URL", "")  # set to nothing is not set
    assert data.index_url() == "http://127.0.0.1/UV_DEFAULT_INDEX"


@pytest.mark.parametrize("section", ["global", "install"])
def test_index_url_is_what_pips_files_say(monkeypatch, tmp_path, section):
    for name in INDEX_SETTINGS: monkeypatch.delenv(name, raising=False)
    (tmp_path/"pip.conf").write_text(f"[{section}]\nindex-url = http://127.0.0.1/from-a-file\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path/"pip.conf"))
    assert data.index_url() == "http://127.0.0.1/from-a-file"


def test_without_pip_the_error_says_what_to_set(cache, monkeypatch):
    for name in INDEX_SETTINGS: monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: SimpleNamespace(returncode=1, stdout="", stderr="No pip"))
    monkeypatch.setitem(sys.modules, "pip._internal.models.index", None)
    fails("set PIP_INDEX_URL")


def test_cache_folder_is_in_the_users_cache_unless_it_is_set(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path/"xdg"))
    monkeypatch.delenv("STUDY_GROUP_CACHE", raising=False)
    assert data.cache_folder() == tmp_path/"xdg/study_group"
    monkeypatch.setenv("STUDY_GROUP_CACHE", "~/here")
    assert data.cache_folder() == tmp_path/"here"


# the real thing, and what ships with the package

def test_the_real_archive():
    "Sizes of the splits on which the model card's scores stand."
    try: frames = {s: load_reviews(s) for s in SPLITS}  # from the user's cache, if it is there
    except OSError as e: pytest.skip(f"the real archive can't be had: {e}")
    assert {s: len(f) for s, f in frames.items()} == dict(train=8_555, validation=1_007, test=1_041)
    assert all(f.rating.between(-4, 4).all() for f in frames.values())
    real = {key(t) for f in frames.values() for t in f.text}
    assert not real & {key(t) for t in bundled_reviews().text}  # ours are our own
    assert all(len(load_reviews("test", kind=kind)) for kind in KINDS)


def test_corpus_is_big_and_says_nothing_twice():
    paragraphs = corpus()
    assert len("\n".join(paragraphs).encode()) >= 60_000 and all(p.strip() for p in paragraphs)
    assert len({key(p) for p in paragraphs}) == len(paragraphs)


def test_bundled_reviews_are_balanced_and_look_like_the_real_ones():
    frame = bundled_reviews()
    assert len(frame) == len({key(t) for t in frame.text}) == 300 and frame.label.sum() == 150
    looks_rated(frame)
    assert frame.rating.between(-4, 4).all() and (frame.rating != 0).all()
