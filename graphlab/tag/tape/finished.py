"""Members that an earlier call has trained to their end, in a folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from graphlab._checks import check_matrix
from graphlab._feature_rows import FeatureRows, content_name, tensors_name
from graphlab._io import load_arrays, save_arrays, sweep_stale
from graphlab._training_checkpoint import check_settings, rows_of, taking_up

__all__: list[str] = []

Row = dict[str, Any]

_RECORD = "graphlab.tape"


class FinishedMembers:
    """Where the members of a training are kept as they end.

    Args:
        folder (Path, optional): Their folder; nothing is kept where it is None.
        settings (Mapping): What decides over a member, beside its feature.
        resume (bool): Whether members that are there are taken.
    """

    def __init__(self, folder: Path | None, settings: Mapping[str, Any], resume: bool) -> None:
        self._folder, self._settings, self._resume = folder, settings, resume
        if folder is not None:
            sweep_stale(folder)

    def load(self, name: str, x: FeatureRows, model: nn.Module) -> tuple[Tensor, list[Row]] | None:
        """Fill the model of a member; its logits and rows, or None where it is not there.

        Raises:
            ValueError: If the file is damaged, or of other settings or data.
        """
        path = self._path(name)
        if path is None or not self._resume or not path.exists():
            return None
        arrays, metadata = load_arrays(path)
        with taking_up(path, "no member of TAPE"):
            record = json.loads(metadata[_RECORD])
            logits, settings = arrays.pop("logits"), record["settings"]
            rows = rows_of({"history": record["rows"]}, "epoch")
        check_settings(path, settings, self._of(x, model))
        with taking_up(path, "no member of TAPE"):
            model.load_state_dict(arrays)
            wanted = (int(x.shape[0]), self._settings["num_classes"])
            logits = check_matrix(logits, "logits", rows=wanted[0], cols=wanted[1])
        model.eval()
        return logits, rows

    def save(
        self, name: str, x: FeatureRows, model: nn.Module, logits: Tensor, rows: Sequence[Row]
    ) -> None:
        """Write a member that is trained."""
        path = self._path(name)
        if path is not None:
            record = {"rows": list(rows), "settings": self._of(x, model)}
            arrays = {**model.state_dict(), "logits": logits}
            save_arrays(path, arrays, {_RECORD: json.dumps(record, sort_keys=True)})

    def _path(self, name: str) -> Path | None:
        """A file by a hash, as names may hold what file systems do not."""
        if self._folder is None:
            return None
        return self._folder / f"member-{hashlib.sha256(name.encode()).hexdigest()[:16]}.safetensors"

    def _of(self, x: FeatureRows, model: nn.Module) -> dict[str, Any]:
        shapes = {name: list(value.shape) for name, value in model.named_parameters()}
        return {**self._settings, "feature": content_name(x), "shapes": shapes}


def data_name(edge_index: Tensor, y: Tensor, nodes: Mapping[str, Tensor]) -> str:
    """Hash of the edges, the nodes of the parts, and those labels that a training reads."""
    read = (part for name in ("train", "val") for part in (nodes[name], y[nodes[name]]))
    return tensors_name(edge_index, *read)
