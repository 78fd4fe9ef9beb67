"""The Hugging Face Hub, played by a folder: what goes up, what comes down, what is said of it."""

from __future__ import annotations

import inspect
import shutil
import sys
from fnmatch import fnmatch
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from sklearn.exceptions import NotFittedError

from graphlab.contrastive import SCGC
from graphlab.embed import FastRP
from graphlab.tag import TAPE, GraphCLIP
from tests._graphs import planted
from tests.tag.graphclip._toy import WIDTH, toy_model, toy_pairs

huggingface_hub = pytest.importorskip("huggingface_hub", reason="needs the extra hub")
REAL_API, REAL_SNAPSHOT = huggingface_hub.HfApi, huggingface_hub.snapshot_download
DATA = planted(dim=WIDTH)


def real(function: Any, *arguments: Any, **named: Any) -> None:
    """Require that the package takes the arguments that the folder is given."""
    inspect.signature(function).bind(*arguments, **named)


class FolderHub:
    """Repositories as folders, one for each branch, and the calls that were made."""

    def __init__(self, root: Path) -> None:
        self.root, self.calls, self.secret = root, [], {}

    def api(self, token: Any = None) -> Any:
        api = REAL_API(token=token)

        def create_repo(repo_id: str, *, private: bool | None, exist_ok: bool) -> None:
            real(api.create_repo, repo_id, private=private, exist_ok=exist_ok)
            self.calls.append(("create_repo", repo_id, private, token))
            self.secret[repo_id] = token if private else None
            (self.root / repo_id / "main").mkdir(parents=True, exist_ok=True)

        def create_branch(repo_id: str, *, branch: str, exist_ok: bool) -> None:
            real(api.create_branch, repo_id, branch=branch, exist_ok=exist_ok)
            (self.root / repo_id / branch).mkdir(parents=True, exist_ok=True)

        def upload_folder(
            *, repo_id: str, folder_path: str, allow_patterns: list[str], **options: Any
        ) -> Any:
            about = {"repo_id": repo_id, "folder_path": folder_path}
            real(api.upload_folder, **about, allow_patterns=allow_patterns, **options)
            self.calls.append(("upload_folder", options["commit_message"], options["revision"]))
            target = self.root / repo_id / (options["revision"] or "main")
            for path in Path(folder_path).iterdir():
                if any(fnmatch(path.name, pattern) for pattern in allow_patterns):
                    shutil.copy(path, target / path.name)
            return SimpleNamespace(commit_url=f"hub/{repo_id}/commit/1")

        return SimpleNamespace(
            create_repo=create_repo, create_branch=create_branch, upload_folder=upload_folder
        )

    def snapshot(
        self, name: str, *, revision: str | None, token: Any, allow_patterns: list[str]
    ) -> str:
        patterns = {"allow_patterns": allow_patterns}
        real(REAL_SNAPSHOT, name, revision=revision, token=token, **patterns)
        folder = self.root / name / (revision or "main")
        if not folder.is_dir() or self.secret.get(name) != token:
            raise FileNotFoundError(f"no repository {name}")
        into = self.root / "cache"
        into.mkdir(exist_ok=True)
        for path in folder.iterdir():
            if any(fnmatch(path.name, pattern) for pattern in allow_patterns):
                shutil.copy(path, into / path.name)
        return str(into)

    def files(self, name: str, revision: str = "main") -> set[str]:
        return {path.name for path in (self.root / name / revision).iterdir()}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FolderHub:
    fake = FolderHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", fake.api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fake.snapshot)
    return fake


def scgc() -> SCGC:
    model = SCGC(3, in_channels=WIDTH, hidden_channels=(6,), epochs=2, pretrain_epochs=1)
    return model.fit(DATA.x, DATA.edge_index)


def tape() -> TAPE:
    model = TAPE("gcn", {"X": DATA.x}, epochs=2, hidden_channels=4, num_layers=2)
    return model.fit(DATA, {"train": torch.arange(30), "val": torch.arange(30, 40)})


def results(model: Any) -> torch.Tensor:
    if isinstance(model, GraphCLIP):
        pairs = toy_pairs()
        return model.encode(pairs.x, pairs.store)
    return model.predict_proba() if isinstance(model, TAPE) else model.embed(DATA.x)


MODELS = {"SCGC": scgc, "TAPE": tape, "GraphCLIP": toy_model}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_from_the_hub_and_from_a_folder(name, hub, tmp_path):
    model = MODELS[name]()
    cls = type(model)
    url = model.push_to_hub(f"user/{name}", tmp_path / "folder", metrics={"accuracy": 0.8125})
    assert url == f"hub/user/{name}/commit/1"
    again, local = cls.from_pretrained(f"user/{name}"), cls.from_pretrained(tmp_path / "folder")
    for other in (again, local):
        torch.testing.assert_close(results(other), results(model))


@pytest.mark.parametrize("name", MODELS)
def test_nothing_but_tensors_settings_and_a_card_goes_up(name, hub, tmp_path):
    model = MODELS[name]()
    (tmp_path / "secret.env").write_text("KEY=1")
    (tmp_path / "optimizer.pt").write_bytes(b"pickle")
    model.push_to_hub(f"user/{name}", tmp_path)
    files = hub.files(f"user/{name}")
    assert files - {"README.md", "config.json"} == {
        file for file in files if file.endswith(".safetensors")
    }
    assert len(files) == 3


@pytest.mark.parametrize("name", MODELS)
def test_the_card_says_how_to_load_with_which_settings_and_how_good(name, hub):
    model = MODELS[name]()
    model.push_to_hub(f"user/{name}", metrics={"macro_f1": 0.71}, card="Trained on planted graphs.")
    card = (hub.root / f"user/{name}/main/README.md").read_text(encoding="utf-8")
    assert card.startswith("---\nlibrary_name: graphlab\n")
    assert f'model = {name}.from_pretrained("user/{name}")' in card
    assert "Trained on planted graphs." in card and "| macro_f1 | 0.71 |" in card
    setting = "| graph_model.num_layers | " if name == "GraphCLIP" else "| seed | 0 |"
    assert setting in card
    if name != "GraphCLIP":
        assert "| epoch |" in card  # the last row of the training


def test_a_card_of_the_users_own_stays(hub, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    toy_model().push_to_hub("user/model", tmp_path)
    assert (hub.root / "user/model/main/README.md").read_text() == "mine"


def test_private_models_tokens_messages_and_branches(hub):
    model = scgc()
    model.push_to_hub("user/model", private=True, token="t", commit_message="first", revision="try")
    assert ("create_repo", "user/model", True, "t") in hub.calls
    assert ("upload_folder", "first", "try") in hub.calls
    assert hub.files("user/model", "main") == set()
    with pytest.raises(FileNotFoundError, match="private model needs token"):
        SCGC.from_pretrained("user/model", revision="try")
    again = SCGC.from_pretrained("user/model", revision="try", token="t")
    torch.testing.assert_close(results(again), results(model))
    model.push_to_hub("user/other")
    assert hub.calls[-1][1].startswith("SCGC of graphlab ")


def test_what_was_not_saved_is_given_again(hub):
    encoder = torch.nn.Linear(WIDTH, 5)
    model = SCGC(3, in_channels=WIDTH, epochs=1, encoder=encoder).fit(DATA.x, DATA.edge_index)
    model.push_to_hub("user/own")
    assert 'from_pretrained("user/own", encoder=...)' in (
        hub.root / "user/own/main/README.md"
    ).read_text(encoding="utf-8")
    again = SCGC.from_pretrained("user/own", encoder=torch.nn.Linear(WIDTH, 5))
    torch.testing.assert_close(results(again), results(model))


def test_a_model_without_a_fit_reaches_no_hub(hub):
    with pytest.raises(NotFittedError, match="SCGC is not fitted"):
        SCGC(3, in_channels=WIDTH).push_to_hub("user/model")
    assert hub.calls == []


@pytest.mark.parametrize("name", ["model", "a/b/c", "/user/model", "./model", "user/", 3])
def test_names_that_are_none_are_refused(name, hub):
    with pytest.raises(ValueError, match="repo_id must be of the form user/model"):
        toy_model().push_to_hub(name)


def test_a_hub_that_cannot_be_asked_is_a_missing_file(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(FileNotFoundError, match="there is no folder 'user/none', and the Hub"):
        GraphCLIP.from_pretrained("user/none")
    with pytest.raises(FileNotFoundError, match="no name of the form user/model"):
        SCGC.from_pretrained("nowhere")


def test_a_hub_that_cannot_be_reached_is_a_connection_error(hub, monkeypatch):
    def unreachable(*_args, **_options):
        raise type("ConnectError", (Exception,), {"__module__": "httpx"})("Name not known")

    api = SimpleNamespace(create_repo=unreachable)
    monkeypatch.setattr(huggingface_hub, "HfApi", lambda token: api)
    with pytest.raises(ConnectionError, match=r"could not be reached, nothing was uploaded: Name"):
        FastRP(dim=4).fit(torch.tensor([[0, 1], [1, 0]])).push_to_hub("user/model")


@pytest.mark.parametrize("error", [PermissionError("no space"), KeyError("a mistake")])
def test_other_errors_than_those_of_the_connection_stay_what_they_are(error, hub, monkeypatch):
    def broken(*_args, **_options):
        raise error

    monkeypatch.setattr(huggingface_hub, "HfApi", lambda token: SimpleNamespace(create_repo=broken))
    with pytest.raises(type(error), match=r"no space|a mistake"):
        FastRP(dim=4).fit(torch.tensor([[0, 1], [1, 0]])).push_to_hub("user/model")


def test_without_its_library_the_hub_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"needs huggingface_hub: pip install graphlab\[hub\]"):
        FastRP.from_pretrained("somebody/model")
