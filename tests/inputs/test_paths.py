"""Every public function that takes a path, given what is none or leads nowhere."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests._rows import rows
from tests.inputs import _path_calls as calls
from tests.inputs._public import takers

ALL = calls.READ_FILE | calls.READ_FOLDER | calls.WRITE_FILE | calls.WRITE_FOLDER

#: None is the default of these.
OPTIONAL = re.compile(
    r"\.(root|source|out|cache|cache_dir|edges|text_file)$"
    r"|^pretrain|^GraphCLIPPipeline|^TrainedNetwork.fit|^KGEmbedding.fit|^GAugLLM.fit"
    r"|^SCGC.fit|^TAPE.fit"
    r"|^SubgraphSampler.(sample|prepare)"
)


#: A file without lines holds no hyperedges, no answers, no edges.
WITHOUT_LINES = (
    "read_hyperedge_list.path",
    "LLMClient.import_batch.path",
    "TextGraph.from_csv.edges",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes an empty path for the present folder writes there."""
    (tmp_path / "present").mkdir()
    monkeypatch.chdir(tmp_path / "present")


def test_every_public_function_of_a_path_is_here() -> None:
    expected = {f"{name}.{path}" for name, paths in takers("path").items() for path in paths}
    assert set(ALL) | set(calls.ELSEWHERE) == expected
    assert set(calls.ELSEWHERE.values()) <= set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_what_is_no_path_is_refused_by_name(name: str) -> None:
    named = rf"\b{name.rpartition('.')[2]}\b"
    with rows() as table:
        for path in (b"folder", "", "nul\0", 3.5, ["a"], object()):
            with table.row(repr(path)), pytest.raises((TypeError, ValueError), match=named):
                ALL[name](path)


@pytest.mark.parametrize("name", [name for name in ALL if not OPTIONAL.search(name)])
def test_none_is_refused_by_name(name: str) -> None:
    with pytest.raises((TypeError, ValueError), match=rf"\b{name.rpartition('.')[2]}\b"):
        ALL[name](None)


def says_where(error: BaseException, path: Path) -> bool:
    return path.name in str(error)


@pytest.mark.parametrize("name", calls.READ_FILE | calls.READ_FOLDER)
def test_what_is_missing_is_named(name: str, tmp_path: Path) -> None:
    path = tmp_path / "not_there"
    with pytest.raises((OSError, ValueError)) as caught:
        ALL[name](path)
    assert says_where(caught.value, path)


@pytest.mark.parametrize("name", calls.READ_FILE)
def test_folder_for_a_file_is_named(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a_folder"
    folder.mkdir()
    with pytest.raises((OSError, ValueError)) as caught:
        ALL[name](folder)
    assert says_where(caught.value, folder)


@pytest.mark.parametrize("name", calls.READ_FOLDER)
@pytest.mark.parametrize("kind", ["a file", "an empty folder"])
def test_nothing_in_a_folder_is_named(name: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / "given"
    if kind == "a file":
        path.write_text("nothing", encoding="utf-8")
    else:
        path.mkdir()
    with pytest.raises((OSError, ValueError)) as caught:
        ALL[name](path)
    assert says_where(caught.value, path)


@pytest.mark.parametrize("name", calls.READ_FILE)
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe\x80" * 9], ids=["empty", "binary"])
def test_file_with_other_content_is_named(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "given.json"
    path.write_bytes(content)
    try:
        ALL[name](path)
    except (OSError, ValueError) as error:
        assert says_where(error, path)
    else:
        assert not content and name in WITHOUT_LINES


@pytest.mark.parametrize("name", calls.WRITE_FILE | calls.WRITE_FOLDER)
def test_place_that_cannot_be_written_is_named(name: str, tmp_path: Path) -> None:
    file = tmp_path / "a_file"
    file.write_text("kept", encoding="utf-8")
    with pytest.raises(OSError) as caught:
        ALL[name](file / "below" / "there")
    assert says_where(caught.value, file)
    assert file.read_text(encoding="utf-8") == "kept" and sorted(os.listdir(tmp_path)) == [
        "a_file",
        "present",
    ]


@pytest.mark.parametrize("name", calls.WRITE_FILE)
def test_folder_in_the_place_of_a_file_stays(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "a_folder"
    folder.mkdir()
    (folder / "kept").touch()
    with pytest.raises((OSError, ValueError)) as caught:
        ALL[name](folder)
    assert says_where(caught.value, folder)
    assert os.listdir(folder) == ["kept"]


#: Roots of data sets, which are written from data that lies elsewhere, are left out.
WRITTEN = [n for n in calls.WRITE_FILE | calls.WRITE_FOLDER if not n.endswith(".root")]


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize(
    "make", [str, Path, lambda p: Path(os.path.relpath(p))], ids=["str", "Path", "relative"]
)
def test_path_may_be_text_or_object(
    name: str, make: Callable[[Path], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = tmp_path / "new" / "target.npy"
    ALL[name](make(target))
    assert target.exists()


@pytest.mark.parametrize("name", WRITTEN)
def test_tilde_is_the_home_folder(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ALL[name]("~/new/target.npy")
    assert (tmp_path / "new" / "target.npy").exists()
    assert not os.listdir(tmp_path / "present")
