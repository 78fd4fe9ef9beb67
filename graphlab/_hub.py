"""Models by name: those of graphlab-models, and those at the Hugging Face Hub.

A folder goes up to the Hub with a card, and the same files come down.

Nothing but safetensors and JSON is downloaded or read, so that no file of another person is run.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar

from graphlab import __version__
from graphlab._io import atomic_path, user_path
from graphlab._packaged_models import packaged

__all__: list[str] = []

_CARD = "README.md"
_ROWS = 40  # rows of a table in a model card, at most


@dataclass(frozen=True)
class Description:
    """What a card says of a model by itself.

    Attributes:
        name (str): Class of the model.
        loading (str): Lines of Python that load it, with ``{repo_id}``.
        recipe (Mapping): Its settings.
        numbers (Mapping): What training ended with.
    """

    name: str
    loading: str
    recipe: Mapping[str, Any]
    numbers: Mapping[str, Any] = field(default_factory=dict)


class HubModel:
    """A model that can be uploaded: it names its files, writes them, and describes itself."""

    _hub_files: ClassVar[tuple[str, ...]] = ()

    def _hub_save(self, folder: Path) -> object:
        raise NotImplementedError(f"{type(self).__name__} must implement _hub_save")

    def _hub_description(self) -> Description:
        raise NotImplementedError(f"{type(self).__name__} must implement _hub_description")

    def push_to_hub(
        self,
        repo_id: str,
        directory: str | PathLike[str] | None = None,
        *,
        private: bool | None = None,
        token: str | bool | None = None,
        commit_message: str | None = None,
        revision: str | None = None,
        metrics: Mapping[str, float] | None = None,
        card: str | None = None,
    ) -> str:
        """Save, and upload to the Hugging Face Hub with a model card; needs ``huggingface_hub``.

        Args:
            repo_id (str): Name ``"user/model"`` on the Hub; made if it does not exist.
            directory (path, optional): Folder to save to; a temporary one when missing. Nothing
                else in it is uploaded, and a ``README.md`` there is taken as the card.
            private (bool, optional): Whether a new repository is private; None is the default of
                the account.
            token (str, optional): Token of the account; that of ``hf auth login`` if None.
            commit_message (str, optional): Message of the commit.
            revision (str, optional): Branch to write to, made if missing; the main one if None.
            metrics (Mapping[str, float], optional): Numbers for the card, by name.
            card (str, optional): Text for the card: data, licence, what it is for.

        Returns:
            str: Address of the commit.

        Raises:
            sklearn.exceptions.NotFittedError: If there is nothing to save.
            ImportError: If ``huggingface_hub`` is missing.
            ValueError: If ``repo_id`` is no such name, or the model cannot be saved.
            OSError: If the folder cannot be written, or the Hub refuses.
        """
        if not isinstance(repo_id, str) or not _is_name(repo_id):
            raise ValueError(f"repo_id must be of the form user/model, got {repo_id!r}")
        hub = _library()
        about = self._hub_description()
        with tempfile.TemporaryDirectory() if directory is None else nullcontext(directory) as at:
            folder = user_path(at, "directory")
            self._hub_save(folder)  # what cannot be saved is found before the Hub is asked
            if not (folder / _CARD).exists():
                with atomic_path(folder / _CARD) as path:
                    path.write_text(written_card(about, repo_id, metrics, card), encoding="utf-8")
            api = hub.HfApi(token=token)
            with _reaching_the_hub():
                api.create_repo(repo_id, private=private, exist_ok=True)
                if revision is not None:
                    api.create_branch(repo_id, branch=revision, exist_ok=True)
                commit = api.upload_folder(
                    repo_id=repo_id,
                    folder_path=str(folder),
                    allow_patterns=[*self._hub_files, _CARD],
                    commit_message=commit_message or f"{about.name} of graphlab {__version__}",
                    revision=revision,
                )
        return str(getattr(commit, "commit_url", commit))


@contextmanager
def _reaching_the_hub() -> Iterator[None]:
    """Errors of the HTTP library of the day as ConnectionError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("httpx", "requests"):
            raise
        raise ConnectionError(
            f"the Hub could not be reached, nothing was uploaded: {error} (save(folder) keeps the "
            "model; push_to_hub(...) works where there is a connection)"
        ) from error


def fetch(
    name_or_path: str | PathLike[str],
    files: Sequence[str],
    *,
    revision: str | None = None,
    token: str | bool | None = None,
) -> Path:
    """The folder of a model: a local one, a packaged one, or the files of one at the Hub.

    Args:
        name_or_path (path): A folder, ``"graphlab/model"``, or ``"user/model"``.
        files (sequence of str): What to download.
        revision (str, optional): Branch, tag or commit at the Hub.
        token (str, optional): Token for a private model.

    Raises:
        FileNotFoundError: If there is neither such a folder nor a model of that name at hand.
        ImportError: If the Hub is needed and ``huggingface_hub`` is missing, or graphlab-models is.
        ValueError: If a packaged model is damaged.
    """
    folder = user_path(name_or_path, "name_or_path")
    if folder.is_dir():
        return folder
    name = str(name_or_path)
    bundled = packaged(name, revision)
    if bundled is not None:
        return bundled
    if not _is_name(name):
        raise FileNotFoundError(
            f"there is no folder {name!r}, and it is no name of the form user/model"
        )
    options: dict[str, Any] = {"revision": revision, "token": token}
    try:
        found = _library().snapshot_download(name, allow_patterns=list(files), **options)
    except OSError as error:
        raise FileNotFoundError(
            f"there is no folder {name!r}, and the Hub could not be asked: {error} "
            "(HF_HUB_OFFLINE=1 uses what was downloaded before; a private model needs token=...)"
        ) from error
    return Path(found)


def written_card(
    about: Description, repo_id: str, metrics: Mapping[str, float] | None, text: str | None
) -> str:
    """The text of a model card: how to load the model, its recipe and its numbers."""
    head = ["---", "library_name: graphlab", "tags:", "- graphlab", f"- {about.name.lower()}"]
    parts = [
        "\n".join([*head, "---"]),
        f"# {repo_id.partition('/')[2]}",
        f"A `{about.name}` of graphlab {__version__}.",
        *([] if text is None else [text.strip()]),
        f"```python\n{about.loading.format(repo_id=repo_id)}\n```",
        *_table("Recipe", "setting", about.recipe),
        *_table("Numbers", "number", {**about.numbers, **(metrics or {})}),
    ]
    if not metrics:
        parts.append("No scores on held-out data were given with this model.")
    return "\n\n".join(parts) + "\n"


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested settings as one table: ``{"a": {"b": 1}}`` is ``{"a.b": 1}``."""
    rows: dict[str, Any] = {}
    for key, value in values.items():
        name = f"{prefix}{key}"
        rows |= flat(value, f"{name}.") if isinstance(value, Mapping) else {name: value}
    return rows


def _table(title: str, column: str, values: Mapping[str, Any]) -> list[str]:
    rows = list(flat(values).items())
    if not rows:
        return []
    lines = [f"| {column} | value |", "| --- | --- |"]
    lines += [f"| {name} | {_cell(value)} |" for name, value in rows[:_ROWS]]
    return [f"## {title}", "\n".join(lines)]


def _cell(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else json.dumps(value, default=str)
    text = text if len(text) <= 80 else f"{text[:77]}..."
    return text.replace("|", "\\|")


def _is_name(name: str) -> bool:
    return name.count("/") == 1 and not name.startswith((".", "/", "~")) and not name.endswith("/")


def _library() -> Any:
    try:
        import huggingface_hub  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise ImportError(
            "the Hugging Face Hub needs huggingface_hub: pip install graphlab[hub]"
        ) from error
    return huggingface_hub
