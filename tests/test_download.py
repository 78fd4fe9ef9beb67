from __future__ import annotations

import hashlib
import os
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlab import _download
from graphlab._download import DownloadError, data_root, download, sha256_of

BODY = bytes(range(256)) * 40
DIGEST = hashlib.sha256(BODY).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves BODY on the loopback; each request takes the next scripted answer, then ``serve``."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[Callable[[Handler], None]] = []
        self.requests: list[dict[str, str]] = []
        self.guard = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/file"

    def handle_error(self, request: object, client_address: object) -> None:
        """A broken connection is what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        with self.server.guard:
            self.server.requests.append(dict(self.headers))
            answer = self.server.script.pop(0) if self.server.script else serve
        answer(self)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""

    def begin(self, status: int, headers: dict[str, object]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()


def serve(
    handler: Handler,
    *,
    body: bytes = BODY,
    etag: str | None = '"v1"',
    cut: int | None = None,
    length: bool = True,
) -> None:
    """A well-behaved server that understands Range and If-Range, possibly cut short."""
    headers: dict[str, object] = {} if etag is None else {"ETag": etag}
    wanted, start, status = handler.headers.get("Range"), 0, 200
    if wanted and handler.headers.get("If-Range") == etag:
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(body):
            handler.begin(416, {"Content-Length": 0})
            return
        headers["Content-Range"] = f"bytes {start}-{len(body) - 1}/{len(body)}"
        status = 206
    if length:
        headers["Content-Length"] = len(body) - start
    handler.begin(status, headers)
    handler.wfile.write(body[start:] if cut is None else body[start : start + cut])


def status(handler: Handler, code: int) -> None:
    handler.begin(code, {"Content-Length": 0})


def hang_up(handler: Handler) -> None:
    handler.connection.close()


def stall(handler: Handler, seconds: float = 1.0) -> None:
    handler.begin(200, {"Content-Length": len(BODY), "ETag": '"v1"'})
    handler.wfile.write(BODY[:100])
    threading.Event().wait(seconds)


def broken_chunks(handler: Handler) -> None:
    handler.protocol_version = "HTTP/1.1"
    handler.begin(200, {"Transfer-Encoding": "chunked"})
    handler.wfile.write(b"64\r\n" + BODY[:50])


def wrong_range(handler: Handler, content_range: str) -> None:
    handler.begin(206, {"Content-Range": content_range, "Content-Length": 5})
    handler.wfile.write(BODY[:5])


@pytest.fixture
def server(monkeypatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Server() as running:
        thread = threading.Thread(target=partial(running.serve_forever, poll_interval=0.01))
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture
def get(server, tmp_path) -> Callable[..., Path]:
    """Download from the server without waiting between attempts."""
    settings = {"url": server.url, "path": tmp_path / "set" / "file", "sha256": DIGEST}
    return lambda **changes: download(**{**settings, "backoff": 0.0, "timeout": 5.0, **changes})


def content_of(folder: Path) -> list[str]:
    """Files in a folder, without the lock file, which stays."""
    return sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))


# --- the plain way --------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, len(BODY)])
@pytest.mark.parametrize("length", [True, False])
def test_download_arrives_whole(server, get, size, length):
    server.script = [partial(serve, length=length)]
    path = get(size=size, sha256=DIGEST.upper())
    assert path.read_bytes() == BODY
    assert content_of(path.parent) == ["file"]
    assert "Range" not in server.requests[0]


def test_empty_file(server, get):
    server.script = [partial(serve, body=b"")]
    assert get(sha256=hashlib.sha256(b"").hexdigest(), size=0).read_bytes() == b""


def test_present_file_needs_no_server(tmp_path):
    (tmp_path / "file").write_bytes(BODY)
    path = download("https://example.invalid/file", tmp_path / "file", DIGEST)
    assert path == tmp_path / "file"
    assert [item.name for item in tmp_path.iterdir()] == ["file"]


def test_wrong_file_is_replaced_only_by_the_right_one(server, get, tmp_path):
    path = tmp_path / "set" / "file"
    path.parent.mkdir()
    path.write_bytes(b"truncated")
    server.script = [partial(status, code=404)]
    with pytest.raises(DownloadError, match="the file there now has other content"):
        get()
    assert path.read_bytes() == b"truncated"
    assert get().read_bytes() == BODY


def test_redirects_are_followed(server, get):
    server.script = [lambda handler: handler.begin(302, {"Location": "/other"})]
    assert get().read_bytes() == BODY


# --- faults ---------------------------------------------------------------------------------------

TRANSIENT = {
    "truncated body": partial(serve, cut=1000),
    "nothing of the body": partial(serve, cut=0),
    "truncated without etag": partial(serve, cut=1000, etag=None),
    "broken chunks": broken_chunks,
    "hang up": hang_up,
    "500": partial(status, code=500),
    "503": partial(status, code=503),
    "429": partial(status, code=429),
    "stall": stall,
}


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_transient_faults_are_overcome(server, get, fault):
    server.script = [fault, fault]
    path = get(timeout=0.2)
    assert path.read_bytes() == BODY
    assert len(server.requests) == 3
    assert content_of(path.parent) == ["file"]


@pytest.mark.parametrize("fault", TRANSIENT.values(), ids=TRANSIENT.keys())
def test_lasting_faults_are_explained(server, get, tmp_path, fault):
    server.script = [fault] * 2
    with pytest.raises(DownloadError, match=r"\(2 tries\)") as caught:
        get(timeout=0.2, tries=2)
    for part in (server.url, str(tmp_path / "set" / "file"), DIGEST):
        assert part in str(caught.value)
    assert not (tmp_path / "set" / "file").exists()


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_refusals_are_not_tried_again(server, get, code):
    server.script = [partial(status, code=code)]
    with pytest.raises(DownloadError, match=f"the server answered {code}"):
        get()
    assert len(server.requests) == 1


def test_wrong_checksum_is_refused_and_dropped(server, get, tmp_path):
    server.script = [partial(serve, body=b"<html>please log in</html>")]
    with pytest.raises(DownloadError, match=r"the content has sha256 [0-9a-f]{64}"):
        get()
    assert len(server.requests) == 1
    assert content_of(tmp_path / "set") == []


def test_wrong_size_is_refused_before_the_body(server, get):
    with pytest.raises(DownloadError, match=f"offers {len(BODY)} bytes instead of 7"):
        get(size=7)
    assert len(server.requests) == 1


def test_endless_body_is_cut(server, get, tmp_path):
    server.script = [partial(serve, length=False)]
    with pytest.raises(DownloadError, match="sent more than 7 bytes"):
        get(size=7)
    assert content_of(tmp_path / "set") == []


def test_nobody_listens(get, server):
    server.shutdown()
    server.server_close()
    with pytest.raises(DownloadError, match=r"refused \(3 tries\)\. Fetch the file by other means"):
        get()


def test_a_bad_certificate_is_final(get, monkeypatch):
    calls = []

    def urlopen(*arguments: object, **options: object) -> None:
        calls.append(options["context"])
        reason = ssl.SSLCertVerificationError("certificate verify failed")
        raise _download.urllib.error.URLError(reason)

    monkeypatch.setattr(_download.urllib.request, "urlopen", urlopen)
    with pytest.raises(DownloadError, match="certificate verify failed"):
        get(url="https://example.invalid/file")
    assert len(calls) == 1
    assert calls[0].verify_mode == ssl.CERT_REQUIRED
    assert calls[0].check_hostname


def test_a_full_disk_is_not_blamed_on_the_server(server, get, monkeypatch):
    real = Path.open

    def full(self: Path, mode: str = "r", *rest: object) -> object:
        if mode == "ab":
            raise OSError(28, "No space left on device")
        return real(self, mode, *rest)

    monkeypatch.setattr(Path, "open", full)
    with pytest.raises(OSError, match="No space left"):
        get()
    assert len(server.requests) == 1


def test_attempts_wait_longer_each_time(server, get, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr(_download.time, "sleep", waits.append)
    server.script = [partial(status, code=503)] * 4
    with pytest.raises(DownloadError):
        get(tries=4, backoff=1.0)
    assert len(waits) == 3
    assert all(2**i <= wait <= 1.5 * 2**i for i, wait in enumerate(waits))


# --- resuming -------------------------------------------------------------------------------------


def interrupt(server: Server, get: Callable[..., Path], **options: object) -> None:
    """Leave a part of 1000 bytes behind."""
    server.script = [partial(serve, cut=1000, **options)]
    with pytest.raises(DownloadError, match=r"the connection ended after 1000 of 10240 bytes"):
        get(tries=1)
    server.requests.clear()


def test_resume_asks_for_the_rest_only(server, get):
    interrupt(server, get)
    path = get()
    assert path.read_bytes() == BODY
    assert server.requests[0]["Range"] == "bytes=1000-"
    assert server.requests[0]["If-Range"] == '"v1"'
    assert content_of(path.parent) == ["file"]


def test_a_changed_file_is_fetched_anew(server, get):
    interrupt(server, get, body=BODY[::-1], etag='"v0"')
    assert get().read_bytes() == BODY
    assert server.requests[0]["If-Range"] == '"v0"'
    assert len(server.requests) == 1


@pytest.mark.parametrize("etag", [None, 'W/"v1"'])
def test_no_resume_without_a_strong_etag(server, get, etag):
    interrupt(server, get, etag=etag)
    assert get().read_bytes() == BODY
    assert "Range" not in server.requests[0]


def test_no_resume_on_request(server, get):
    interrupt(server, get)
    assert get(resume=False).read_bytes() == BODY
    assert "Range" not in server.requests[0]


def test_no_resume_from_another_address(server, get):
    interrupt(server, get)
    assert get(url=server.url + "?mirror").read_bytes() == BODY
    assert "Range" not in server.requests[0]


@pytest.mark.parametrize("record", [b"", b"[]", b"{}", b'{"url":1,"etag":2,"length":3}'])
def test_a_damaged_record_of_the_part_is_ignored(server, get, tmp_path, record):
    interrupt(server, get)
    (tmp_path / "set" / ".file.part.json").write_bytes(record)
    assert get().read_bytes() == BODY
    assert "Range" not in server.requests[0]


def test_a_damaged_part_is_noticed_and_fetched_anew(server, get, tmp_path):
    interrupt(server, get)
    (tmp_path / "set" / ".file.part").write_bytes(b"x" * 1000)
    assert get().read_bytes() == BODY
    assert ["Range" in request for request in server.requests] == [True, False]


def test_a_part_that_is_complete_is_only_checked(server, get, tmp_path):
    interrupt(server, get)
    (tmp_path / "set" / ".file.part").write_bytes(BODY)
    assert get().read_bytes() == BODY
    assert server.requests == []


def test_a_part_that_is_too_long_is_dropped(server, get, tmp_path):
    interrupt(server, get)
    (tmp_path / "set" / ".file.part").write_bytes(BODY + b"x")
    assert get().read_bytes() == BODY
    assert ["Range" in request for request in server.requests] == [True, False]


@pytest.mark.parametrize("header", ["bytes 0-4/10240", "bytes 999-1003/10240", "nonsense", ""])
def test_a_wrong_range_is_not_appended(server, get, header):
    interrupt(server, get)
    server.script = [partial(wrong_range, content_range=header)]
    assert get().read_bytes() == BODY


def test_a_range_of_unknown_length_is_fine(server, get):
    interrupt(server, get)

    def unknown(handler: Handler) -> None:
        handler.begin(206, {"Content-Range": f"bytes 1000-{len(BODY) - 1}/*"})
        handler.wfile.write(BODY[1000:])

    server.script = [unknown]
    assert get().read_bytes() == BODY


# --- company --------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="file locks need fcntl")
def test_concurrent_callers_fetch_once(server, get):
    def slow(handler: Handler) -> None:
        threading.Event().wait(0.1)
        serve(handler)

    server.script = [slow]
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda _: get(), range(8)))
    assert {path.read_bytes() for path in paths} == {BODY}
    assert len(server.requests) == 1


# --- arguments and small things -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"url": "file:///etc/hostname"}, ValueError, "url must start with https://"),
        ({"url": "ftp://host/file"}, ValueError, "url must start with https://"),
        ({"url": "https:file"}, ValueError, "url must start with https://"),
        ({"sha256": "abc"}, ValueError, "sha256 must be 64 hexadecimal digits, got 'abc'"),
        ({"sha256": "g" * 64}, ValueError, "sha256 must be 64 hexadecimal digits"),
        ({"size": -1}, ValueError, "size must be at least 0"),
        ({"size": 1.5}, TypeError, "size must be an int"),
        ({"tries": 0}, ValueError, "tries must be at least 1"),
        ({"timeout": 0.0}, ValueError, "timeout must be positive"),
        ({"backoff": -1.0}, ValueError, "backoff must be non-negative"),
    ],
)
def test_download_refuses(tmp_path, change, error, match):
    settings = {"url": "https://example.invalid/x", "path": tmp_path / "x", "sha256": DIGEST}
    with pytest.raises(error, match=match):
        download(**{**settings, **change})
    assert list(tmp_path.iterdir()) == []


@given(st.binary(max_size=100))
def test_sha256_of_equals_hashlib(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("sha") / "file"
    path.write_bytes(data)
    assert sha256_of(path) == hashlib.sha256(data).hexdigest()


def test_sha256_of_reads_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "_CHUNK", 7)
    (tmp_path / "file").write_bytes(BODY)
    assert sha256_of(str(tmp_path / "file")) == DIGEST
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "missing")


def test_data_root(monkeypatch, tmp_path):
    monkeypatch.delenv("GRAPHLAB_ROOT", raising=False)
    assert data_root() == Path("data")
    monkeypatch.setenv("GRAPHLAB_ROOT", "")
    assert data_root() == Path("data")
    monkeypatch.setenv("GRAPHLAB_ROOT", str(tmp_path))
    assert data_root() == tmp_path
    assert data_root("elsewhere") == Path("elsewhere")
    assert data_root(Path("~")) == Path.home()
    assert list(tmp_path.iterdir()) == []
