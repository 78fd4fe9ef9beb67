from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from graphlab._io import (
    atomic_path,
    atomic_write,
    check_writable,
    file_lock,
    load_arrays,
    read_json,
    save_arrays,
    sweep_stale,
    user_path,
    write_json,
)
from graphlab._safetensors import _DTYPES

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX processes and permissions")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# --- paths ----------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@posix
@pytest.mark.parametrize("kind", [str, Path])
def test_home_is_expanded(home, kind):
    assert user_path(kind("~/a/b")) == home / "a" / "b"
    assert user_path(kind("~")) == home
    assert user_path(kind("a/~")) == Path("a/~")


class Bytes:
    def __fspath__(self) -> bytes:
        return b"x"


@pytest.mark.parametrize("path", [b"x", None, 3, ["x"], Bytes()])
def test_what_is_no_path_is_refused_by_name(path):
    with pytest.raises(TypeError, match=r"out must be a str or os\.PathLike, got"):
        user_path(path, "out")


@pytest.mark.parametrize("path", ["", "a\0b"])
def test_an_empty_path_is_refused_by_name(path):
    with pytest.raises(ValueError, match="out must name a file or folder, got"):
        user_path(path, "out")


@posix
def test_a_user_without_a_home_is_refused():
    with pytest.raises(ValueError, match="out must name a user who has a home folder, got '~nobod"):
        user_path("~nobody-at-all/x", "out")


@posix
def test_every_file_function_expands_home(home):
    write_json("~/a.json", [1])
    assert read_json("~/a.json") == [1]
    save_arrays("~/a.safetensors", {"a": torch.ones(1)})
    assert "a" in load_arrays("~/a.safetensors")[0]
    with file_lock("~/lock"):
        pass
    assert sweep_stale("~") == []
    assert names(home) == ["a.json", "a.safetensors", "lock"]
    assert names(home.parent) == ["home"]


@posix
def test_whether_a_file_can_be_written_is_found_without_writing_it(home):
    assert check_writable("~/new/r.json", "results") == home / "new" / "r.json"
    assert names(home / "new") == []
    (home / "old").write_text("kept")
    check_writable(home / "old", "results")
    assert (home / "old").read_text() == "kept"
    check_writable("~/runs", "out", folder=True)
    assert names(home / "runs") == []
    for path, reason in ((home, "directory"), (home / "old" / "x", "in the place of a folder")):
        with pytest.raises(OSError, match=f"results cannot be written: .*{reason}"):
            check_writable(path, "results")
    with pytest.raises(OSError, match="out cannot be written"):
        check_writable(home / "old", "out", folder=True)


# --- atomic files ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["plain", "with space", "ünï-код", "n" * 250, "ü" * 120])
def test_atomic_write_creates_and_replaces(tmp_path, name):
    path = tmp_path / "new" / "folder" / name
    atomic_write(path, b"old")
    atomic_write(str(path), b"")
    atomic_write(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(path.parent) == [name]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_a_failing_block_leaves_the_old_file(tmp_path, error):
    path = tmp_path / "file"
    atomic_write(path, b"old")
    with pytest.raises(error), atomic_path(path) as temporary:
        temporary.write_bytes(b"half")
        raise error
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "file"):
        pass
    assert names(tmp_path) == []


def test_nested_writers_of_one_file_do_not_meet(tmp_path):
    with atomic_path(tmp_path / "file") as first, atomic_path(tmp_path / "file") as second:
        assert first != second
        assert first.parent == second.parent == tmp_path
        first.write_bytes(b"first")
        second.write_bytes(b"second")
    assert (tmp_path / "file").read_bytes() == b"first"


@posix
def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "elsewhere" / "target", tmp_path / "link"
    atomic_write(target, b"old")
    link.symlink_to(target)
    atomic_write(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@posix
def test_permissions_are_kept(tmp_path):
    path = tmp_path / "secret"
    atomic_write(path, b"old")
    path.chmod(0o600)
    atomic_write(path, b"new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_folder_may_not_be_a_file(tmp_path):
    atomic_write(tmp_path / "file", b"")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        atomic_write(tmp_path / "file" / "below", b"")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root writes anywhere")
def test_a_read_only_folder_is_reported(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(PermissionError):
        atomic_write(tmp_path / "file", b"")


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path):
    # A limit on file size fails a write as a full disk does, and needs no privileges.
    code = (
        "import resource, signal, sys; from graphlab._io import atomic_write;"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "atomic_write(sys.argv[1], bytes(5000))"
    )
    path = tmp_path / "file"
    atomic_write(path, b"old")
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert "OSError" in done.stderr
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["file"]


@posix
@pytest.mark.parametrize("number", [22, 95])  # EINVAL, ENOTSUP
def test_a_file_system_that_cannot_flush_a_folder_is_fine(tmp_path, monkeypatch, number):
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(number, "no")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    atomic_write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_failed_flush_is_reported(tmp_path, monkeypatch):
    def fsync(descriptor: int) -> None:
        raise OSError(5, "input/output error")

    atomic_write(tmp_path / "file", b"old")
    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="input/output"):
        atomic_write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


@posix
def test_the_file_is_flushed_before_its_name_and_the_folder_after_it(tmp_path, monkeypatch):
    done, flush, replace = [], os.fsync, os.replace

    def fsync(descriptor: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        flush(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", lambda *paths: (done.append("name"), replace(*paths)))
    atomic_write(tmp_path / "file", b"new")
    assert done == ["file", "name", "folder"]  # else a power failure leaves an empty file


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts descriptors as Linux does")
def test_no_descriptor_is_left_open(tmp_path, monkeypatch):
    def fsync(descriptor: int) -> None:
        raise OSError(5, "input/output error")

    atomic_write(tmp_path / "file", b"old")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        atomic_write(tmp_path / "file", b"new")
    monkeypatch.setattr(os, "fsync", fsync)
    for _ in range(3):
        with pytest.raises(OSError, match="input/output"):
            atomic_write(tmp_path / "file", b"never")
    assert len(os.listdir("/proc/self/fd")) == before


# --- sweeping -------------------------------------------------------------------------------------


@posix
def test_sweep_removes_only_files_of_dead_processes(tmp_path):
    with atomic_path(tmp_path / "file") as living:
        living.write_bytes(b"half")
        child = subprocess.Popen([sys.executable, "-c", ""])
        child.wait()
        dead = living.with_name(living.name.replace(f"-{os.getpid()}-", f"-{child.pid}-"))
        foreign = dead.with_name(dead.name.replace(dead.name.split(".")[2][:8], "01234567"))
        others = [tmp_path / ".file.tmp", tmp_path / "file.1.tmp", foreign]
        for path in [dead, *others]:
            path.write_bytes(b"")
        assert sweep_stale(tmp_path) == [dead]
        assert all(path.exists() for path in [living, *others])
        assert sweep_stale(str(tmp_path)) == []


@posix
def test_sweep_spares_processes_of_other_users(tmp_path, monkeypatch):
    def kill(pid: int, signal: int) -> None:
        raise PermissionError

    with atomic_path(tmp_path / "file") as temporary:
        temporary.write_bytes(b"")
        monkeypatch.setattr(os, "kill", kill)
        assert sweep_stale(tmp_path) == []


def test_an_error_without_a_number_names_the_file_too(tmp_path):
    path = tmp_path / "file"
    with pytest.raises(OSError, match=f"^{path} cannot be written: cut short$"), atomic_path(path):
        raise OSError("cut short")  # as numpy does
    assert names(tmp_path) == []


def test_sweep_of_a_missing_folder_is_empty(tmp_path, monkeypatch):
    assert sweep_stale(tmp_path / "missing") == []
    monkeypatch.setattr("graphlab._io.os.name", "nt")
    assert sweep_stale("anywhere") == []


# --- locks ----------------------------------------------------------------------------------------


@posix
def test_lock_excludes_threads(tmp_path):
    counter = tmp_path / "counter"
    counter.write_text("0")

    def add() -> None:
        for _ in range(25):
            with file_lock(tmp_path / "folder" / "lock"):
                counter.write_text(str(int(counter.read_text()) + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.read_text() == "100"


@posix
def test_lock_gives_up_and_recovers(tmp_path):
    with file_lock(tmp_path / "lock"):
        second = file_lock(tmp_path / "lock", timeout=0.05)
        with pytest.raises(TimeoutError, match=r"lock is still locked after 0\.05 s"), second:
            pass
    with pytest.raises(RuntimeError), file_lock(tmp_path / "lock", timeout=0.0):
        raise RuntimeError
    with file_lock(tmp_path / "lock", timeout=0.0):
        pass


def test_a_child_that_inherited_the_lock_does_not_keep_it(tmp_path):
    path = tmp_path / "lock"
    waits, end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forks beside threads
        with file_lock(path):
            child = os.fork()
            if child == 0:
                os.read(waits, 1)
                os._exit(0)
    try:
        with file_lock(path, timeout=0):
            pass
    finally:
        os.write(end, b"x")
        os.waitpid(child, 0)
        os.close(waits)
        os.close(end)


@posix
def test_lock_without_fcntl_is_open(tmp_path, monkeypatch):
    monkeypatch.setattr("graphlab._io.fcntl", None)
    with file_lock(tmp_path / "lock"), file_lock(tmp_path / "lock", timeout=0.0):
        pass


# --- JSON -----------------------------------------------------------------------------------------

finite = st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | st.integers() | finite | st.text(st.characters(codec="utf-8"))
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=8,
)


@given(documents)
def test_json_round_trip(tmp_path_factory, document):
    path = tmp_path_factory.mktemp("json") / "file.json"
    write_json(path, document)
    assert read_json(path) == document


def test_json_bytes_are_stable_and_readable(tmp_path):
    write_json(tmp_path / "a", {"b": (1, 2.5), "ä": None})
    write_json(tmp_path / "b", {"ä": None, "b": [1, 2.5]})
    text = (tmp_path / "a").read_text(encoding="utf-8")
    assert text == '{\n  "b": [\n    1,\n    2.5\n  ],\n  "ä": null\n}\n'
    assert (tmp_path / "b").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"x": -float("inf")}, "\ud800"])
def test_write_json_refuses(tmp_path, value):
    with pytest.raises(ValueError, match="obj cannot be written as JSON"):
        write_json(tmp_path / "file", value)
    with pytest.raises(TypeError):
        write_json(tmp_path / "file", {"x": torch.zeros(1)})
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b'{"a": NaN}',
        b"[Infinity]",
        b"[-Infinity]",
        b"1e999",
        b'{"a": 1, "a": 2}',
        b"1 2",
        b"\xff\xfe1\x00",
        b"\xef\xbb\xbf1",
        b"[" * 100_000,
        b"9" * 10_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_read_json_refuses(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"file\.json is not valid JSON"):
        read_json(path)


@pytest.mark.parametrize("function", [read_json, load_arrays])
def test_a_missing_file_is_reported_as_such(tmp_path, function):
    with pytest.raises(FileNotFoundError, match="missing"):
        function(tmp_path / "missing")


# --- arrays ---------------------------------------------------------------------------------------

shapes = st.lists(st.integers(0, 4), max_size=3)
strings = st.text(st.characters(codec="utf-8"), max_size=8)


@st.composite
def tensors(draw):
    """Random bytes seen as any dtype, contiguous or not, so NaN payloads occur too."""
    dtype, shape = draw(st.sampled_from(list(_DTYPES))), draw(shapes)
    tensor = torch.empty(shape, dtype=dtype)
    raw = draw(st.binary(min_size=tensor.nbytes, max_size=tensor.nbytes))
    if dtype == torch.bool:
        raw = bytes(byte & 1 for byte in raw)
    if raw:
        tensor = torch.frombuffer(bytearray(raw), dtype=dtype).reshape(shape)
    return tensor.transpose(0, -1) if len(shape) > 1 and draw(st.booleans()) else tensor


def raw_bytes(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert left[name].dtype == right[name].dtype
        assert left[name].shape == right[name].shape
        assert raw_bytes(left[name]) == raw_bytes(right[name])


@given(
    st.dictionaries(strings.filter("__metadata__".__ne__), tensors(), max_size=4),
    st.dictionaries(strings, strings, max_size=3),
)
def test_arrays_round_trip(tmp_path_factory, arrays, metadata):
    path = tmp_path_factory.mktemp("arrays") / "file.safetensors"
    save_arrays(path, arrays, metadata)
    loaded, stored = load_arrays(path)
    assert stored == metadata
    assert_same(loaded, arrays)
    # Any other reader of the format sees the same, and the bytes depend on the content alone.
    assert_same(load_file(path), arrays)
    first = path.read_bytes()
    save_arrays(path, dict(reversed(arrays.items())), dict(reversed(metadata.items())))
    assert path.read_bytes() == first


def test_empty_arrays_of_numpy_are_stored(tmp_path):
    # An array of a buffer without bytes has a stride of 0.
    empty = torch.from_numpy(np.frombuffer(b"", dtype=np.int32).copy())
    save_arrays(tmp_path / "a.safetensors", {"empty": empty, "full": torch.ones(2)}, {})
    found, _ = load_arrays(tmp_path / "a.safetensors")
    assert found["empty"].shape == (0,)
    assert found["empty"].dtype == torch.int32


def test_views_are_stored_whole_and_detached(tmp_path):
    base = torch.arange(12.0).view(3, 4).requires_grad_()
    complex_ = torch.tensor([1 + 2j, 3 - 1j])
    arrays = {
        "base": base,
        "same": base,
        "column": base[:, 1],
        "expanded": base[:1].expand(5, 4),
        "reversed": base.flip(0).t(),
        "scalar": base[1, 2],
        "parameter": torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16)),
        "conjugate": complex_.conj(),
        "negated": complex_.conj().imag,
    }
    save_arrays(tmp_path / "file", arrays)
    loaded, metadata = load_arrays(str(tmp_path / "file"))
    assert metadata == {}
    for name, value in arrays.items():
        assert torch.equal(loaded[name], value.detach()), name
        assert not loaded[name].requires_grad
    loaded["base"].zero_()
    assert torch.equal(loaded["same"], base.detach())
    assert torch.equal(load_arrays(tmp_path / "file")[0]["base"], base.detach())


def test_arrays_come_from_any_device(tmp_path, device):
    save_arrays(tmp_path / "file", {"x": torch.arange(3, device=device)})
    assert load_arrays(tmp_path / "file")[0]["x"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("arrays", "metadata", "error", "match"),
    [
        ({"x": torch.eye(2).to_sparse()}, None, TypeError, r"tensors\['x'\] must be dense"),
        ({"x": torch.empty(2, device="meta")}, None, TypeError, "device meta"),
        ({"x": torch.zeros(2, dtype=torch.complex128)}, None, TypeError, "complex128"),
        ({"x": [1.0]}, None, TypeError, r"tensors\['x'\] must be a Tensor, got list"),
        ({1: torch.zeros(1)}, None, TypeError, "must be str, got 1"),
        ({}, {"x": 1}, TypeError, "metadata must map str to str"),
        ({}, {1: "x"}, TypeError, "metadata must map str to str"),
        ({"__metadata__": torch.zeros(1)}, None, ValueError, "reserved"),
        ({}, {"graphlab.sha256": "0"}, ValueError, "reserved"),
    ],
)
def test_save_arrays_refuses(tmp_path, arrays, metadata, error, match):
    with pytest.raises(error, match=match):
        save_arrays(tmp_path / "file", arrays, metadata)
    assert names(tmp_path) == []


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    """A small file and what it holds."""
    path = tmp_path_factory.mktemp("sample") / "file.safetensors"
    arrays = {
        "x": torch.linspace(-1, 1, 6).view(2, 3),
        "half": torch.ones(3, dtype=torch.bfloat16),
        "index": torch.tensor([5, 7]),
        "empty": torch.zeros(0, 3),
    }
    save_arrays(path, arrays, {"key": "value", "other": "ä"})
    return path.read_bytes(), arrays


def check_altered(path: Path, content: bytes, arrays: dict[str, torch.Tensor]) -> None:
    """Altered content is refused by name, or means the same (flips in the padding)."""
    path.write_bytes(content)
    try:
        loaded, metadata = load_arrays(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert metadata == {"key": "value", "other": "ä"}
        assert_same(loaded, arrays)


def test_every_bit_flip_is_noticed(tmp_path, sample):
    content, arrays = sample
    for position in range(len(content)):
        for mask in (1 << (position % 8), 0x20, 0xFF):
            altered = bytearray(content)
            altered[position] ^= mask
            check_altered(tmp_path / "file", bytes(altered), arrays)


def test_every_truncation_is_noticed(tmp_path, sample):
    content, _ = sample
    path = tmp_path / "file"
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match=str(path)):
            load_arrays(path)
    path.write_bytes(content + b"\0")
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_arrays(path)


@given(st.data())
def test_random_damage_never_crashes(tmp_path_factory, sample, data):
    content, arrays = sample
    altered = bytearray(content)
    start = data.draw(st.integers(0, len(content)))
    stop = data.draw(st.integers(start, len(content)))
    altered[start:stop] = data.draw(st.binary(max_size=40))
    check_altered(tmp_path_factory.mktemp("damage") / "file", bytes(altered), arrays)


HEADERS = {
    "no object": "[]",
    "unknown dtype": '{"x":{"dtype":"F99","shape":[1],"data_offsets":[0,4]}}',
    "huge shape": '{"x":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}',
    "negative shape": '{"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
    "overlap": '{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
    '"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
    "backwards": '{"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}',
    "numbers in metadata": '{"__metadata__":{"a":1}}',
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS.keys())
def test_hostile_headers_are_refused(tmp_path, header):
    text = header.encode()
    (tmp_path / "file").write_bytes(len(text).to_bytes(8, "little") + text + bytes(4))
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_arrays(tmp_path / "file", verify=False)


@pytest.mark.parametrize("length", [2**63, 2**64 - 1, 10**9, 0])
def test_hostile_header_lengths_are_refused(tmp_path, length):
    (tmp_path / "file").write_bytes(length.to_bytes(8, "little") + b"{}")
    with pytest.raises(ValueError, match="is not a readable safetensors file"):
        load_arrays(tmp_path / "file")


def test_files_of_other_programs_load_on_request(tmp_path):
    path = tmp_path / "file"
    float8 = torch.ones(2, dtype=torch.float8_e4m3fn)
    save_file({"x": torch.ones(2), "float8": float8}, path, {"format": "pt"})
    with pytest.raises(ValueError, match="has no graphlab checksum; pass verify=False"):
        load_arrays(path)
    loaded, metadata = load_arrays(path, verify=False)
    assert metadata == {"format": "pt"}
    assert loaded["x"].tolist() == [1, 1]
    assert loaded["float8"].dtype == float8.dtype
    save_file({"float8": float8}, path, {"graphlab.sha256": "0"})
    with pytest.raises(ValueError, match="is corrupted"):
        load_arrays(path)


def test_every_path_may_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert user_path("~/a") == tmp_path / "a" and user_path(tmp_path / "b") == tmp_path / "b"
    write_json("~/deep/a.json", [1])
    assert read_json("~/deep/a.json") == [1] == read_json(tmp_path / "deep" / "a.json")
    save_arrays("~/a.safetensors", {"x": torch.ones(2)})
    assert load_arrays("~/a.safetensors")[0]["x"].tolist() == [1.0, 1.0]
    with file_lock("~/lock", timeout=1):
        assert (tmp_path / "lock").is_file()
    assert sweep_stale("~") == []
    with pytest.raises(TypeError, match=r"path must be a str or os\.PathLike, got 3"):
        user_path(3)


def test_a_lock_makes_the_folders_above_it(tmp_path):
    with file_lock(tmp_path / "some" / "new" / "folder" / "lock"):
        assert (tmp_path / "some" / "new" / "folder" / "lock").is_file()


@posix
def test_two_sweepers_do_not_mind_each_other(tmp_path, monkeypatch):
    with atomic_path(tmp_path / "file") as living:
        living.write_bytes(b"half")
        dead = living.with_name(living.name.replace(f"-{os.getpid()}-", "-999999999-"))
        dead.write_bytes(b"")

        def kill(pid: int, number: int) -> None:
            assert number == 0  # a question, no signal
            dead.unlink(missing_ok=True)  # the other one was quicker
            if pid != os.getpid():
                raise ProcessLookupError

        monkeypatch.setattr(os, "kill", kill)
        assert sweep_stale(tmp_path) == [dead]
        assert living.exists() and not dead.exists()
