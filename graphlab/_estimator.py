"""Estimators that can be saved to a folder and restored without pickle."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from graphlab import __version__
from graphlab._io import load_arrays, save_arrays, sweep_stale, write_json

if TYPE_CHECKING:
    from typing_extensions import Self

_ARRAYS = "arrays.safetensors"
_CONFIG = "config.json"
_RECORD = "graphlab.estimator"


class SavableEstimator:
    """Mixin that gives an estimator ``save(directory)`` and ``load(directory)``.

    A subclass implements three methods: ``_config()`` returns the constructor arguments as JSON
    values, ``_arrays()`` the fitted tensors, and the class method ``_restore(config, arrays)``
    builds the estimator again (JSON turns tuples into lists). A subclass whose ``_config`` holds
    other names than those of its constructor overrides ``_config_keys()``; one that changes the
    meaning of its configuration raises ``_schema``.

    The folder holds ``arrays.safetensors`` and ``config.json``. The whole record (class, schema,
    library version, parameters) is stored inside the arrays file, which is replaced in one step
    and covered by its checksum: whatever kills a save, a load gives the old estimator or the new
    one, never a mixture. ``config.json`` is a copy for people and is not read back.

    Example:
        >>> model.save("runs/model")  # doctest: +SKIP
        >>> again = type(model).load("runs/model")  # doctest: +SKIP
    """

    _schema: ClassVar[int] = 1

    def _config(self) -> dict[str, Any]:
        raise NotImplementedError(f"{type(self).__name__} must implement _config")

    def _arrays(self) -> dict[str, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must implement _arrays")

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        raise NotImplementedError(f"{cls.__name__} must implement _restore")

    @classmethod
    def _config_keys(cls) -> frozenset[str]:
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = inspect.signature(cls).parameters.values()
        return frozenset(item.name for item in parameters if item.kind in named)

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the estimator to a folder, replacing an earlier one there.

        Args:
            directory: Folder, created if missing. Left-overs of killed saves are removed.

        Returns:
            Path: The folder.

        Raises:
            ValueError: If ``_config()`` has unknown or missing names, NaN or an infinity.
            TypeError: If ``_config()`` holds something JSON cannot express.
            OSError: If the folder cannot be written; the earlier estimator stays whole.
        """
        folder = Path(directory)
        config = self._config()
        _check_keys(config, self._config_keys(), f"{type(self).__name__}._config()")
        record = {
            "class": type(self).__name__,
            "schema": self._schema,
            "version": __version__,
            "params": config,
        }
        text = json.dumps(record, sort_keys=True, ensure_ascii=False, allow_nan=False)
        sweep_stale(folder)
        save_arrays(folder / _ARRAYS, self._arrays(), {_RECORD: text})
        write_json(folder / _CONFIG, record)
        return folder

    @classmethod
    def load(cls, directory: str | os.PathLike[str]) -> Self:
        """Read an estimator that :meth:`save` wrote.

        Args:
            directory: Folder that holds the estimator.

        Returns:
            Self: The estimator, on the CPU.

        Raises:
            FileNotFoundError: If the folder holds no estimator.
            ValueError: If the file is corrupted, or was saved by another class or schema, or has
                unknown or missing parameters.
        """
        path = Path(directory) / _ARRAYS
        arrays, stored = load_arrays(path)
        if _RECORD not in stored:
            raise ValueError(f"{path} holds arrays but no estimator")
        record = _parse(stored[_RECORD], path)
        for field, expected in (("class", cls.__name__), ("schema", cls._schema)):
            if record[field] != expected:
                raise ValueError(
                    f"{path} was saved with {field} {record[field]!r} by graphlab "
                    f"{record['version']}, but {cls.__name__} expects {expected!r}"
                )
        _check_keys(record["params"], cls._config_keys(), str(path))
        return cls._restore(record["params"], arrays)


def _check_keys(config: Mapping[str, Any], expected: Iterable[str], source: str) -> None:
    unknown = sorted(set(config).difference(expected))
    missing = sorted(set(expected).difference(config))
    if unknown or missing:
        raise ValueError(f"{source} has unknown parameters {unknown} and lacks {missing}")


def _parse(text: str, path: Path) -> dict[str, Any]:
    """Decode the record of an estimator; anything can be in a file that others made."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} holds a damaged record: {error}") from error
    fields = {"class", "schema", "version", "params"}
    if not isinstance(record, dict) or not fields.issubset(record):
        raise ValueError(f"{path} holds a record without the fields {sorted(fields)}")
    if not isinstance(record["params"], dict):
        raise ValueError(f"{path} holds a record whose params are no object")
    return record
