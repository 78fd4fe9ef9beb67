"""What everything that is fitted has in common: parameters, a repr, a saved folder.

The contract is that of scikit-learn, kept without importing it: a constructor stores its arguments
as they are and checks nothing, ``fit`` validates, attributes that a fit leaves behind end in an
underscore, and what needs a fit raises :class:`sklearn.exceptions.NotFittedError` without one.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from torch import Tensor

from graphlab import __version__
from graphlab._estimator_record import read_record, record_text
from graphlab._fitted_parameters import as_fitted, changes, remember
from graphlab._hub import Description, HubModel, fetch
from graphlab._io import load_arrays, save_arrays, sweep_stale, user_path, write_json
from graphlab._repr import described, same

if TYPE_CHECKING:
    from typing_extensions import Self

_ARRAYS = "arrays.safetensors"
_CONFIG = "config.json"
_RECORD = "graphlab.estimator"


class Estimator(HubModel):
    """Base of the estimators: parameters, repr, and a folder without pickle.

    A subclass names its parameters in its constructor, stores each under its own name and
    unchanged (so that :func:`sklearn.base.clone` works), and checks them in ``fit``. A fit leaves
    attributes that end in an underscore; where it takes epochs or steps, ``history_`` is a
    ``list[dict]`` with one row each, and ``fit(callback=...)`` calls ``callback(row)``.

    To be saved, a subclass implements ``_arrays()`` (the fitted tensors) and ``_set_arrays()``
    (their inverse, on an estimator with the same parameters); ``_facts()`` adds fitted JSON values.
    Parameters that may be no JSON values, such as networks and clients, are named in ``_objects``:
    they are saved where ``_config()`` gives a value (by default None alone), and given to
    :meth:`load` again otherwise. One that changes the meaning of its parameters raises ``_schema``;
    a new parameter need not: where a folder lacks it, it has its default, which therefore must be
    what was done before.

    The folder holds ``arrays.safetensors`` and ``config.json``. The whole record (class, schema,
    library version, parameters) is stored inside the arrays file, which is replaced in one step
    and covered by its checksum: whatever kills a save, a load gives the old estimator or the new
    one, never a mixture. ``config.json`` is a copy for people and is not read back.

    Example:
        >>> class Mean(Estimator):
        ...     def __init__(self, scale=1.0):
        ...         self.scale = scale
        >>> Mean(scale=2.0), Mean().set_params(scale=3.0).get_params()
        (Mean(scale=2.0), {'scale': 3.0})
    """

    _schema: ClassVar[int] = 1
    #: Names of constructor parameters that :meth:`load` takes again where they were not saved.
    _objects: ClassVar[tuple[str, ...]] = ()
    #: Names of constructor parameters that are read after a fit alone: saved as they are now.
    _read_later: ClassVar[frozenset[str]] = frozenset()
    #: The method that its documentation begins with, where that is another name for ``fit``.
    _fit_name: ClassVar[str] = "fit"
    _hub_files: ClassVar[tuple[str, ...]] = (_ARRAYS, _CONFIG)

    # ------------------------------------------------------------------ parameters

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name.endswith("_") and not name.startswith("_"):
            self._note_parameters()

    def _note_parameters(self) -> None:
        """Remember the parameters by which something was fitted, whatever is set later."""
        remember(self, self._signature())

    @classmethod
    def _signature(cls) -> dict[str, inspect.Parameter]:
        """Parameters of the constructor by name, without variadic ones."""
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        parameters = inspect.signature(cls.__init__).parameters
        return {k: p for k, p in parameters.items() if k != "self" and p.kind in named}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters of the constructor, as they were given.

        Args:
            deep (bool): Also list those of estimators among them, as ``name__parameter``.

        Returns:
            dict[str, Any]: Values by name.
        """
        params: dict[str, Any] = {}
        for name in self._signature():
            value = getattr(self, name)
            params[name] = value
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                params |= {f"{name}__{key}": item for key, item in value.get_params().items()}
        return params

    def set_params(self, **params: Any) -> Self:
        """Replace parameters; ``name__parameter`` reaches into an estimator among them.

        Args:
            **params: New values by name.

        Returns:
            Self: The estimator; what was fitted stays until the next fit.

        Raises:
            ValueError: If a name is no parameter; then nothing changes.
        """
        known = self._signature()
        unknown = sorted({name.partition("__")[0] for name in params} - set(known))
        if unknown:
            listed, name = ", ".join(sorted(known)), type(self).__name__
            raise ValueError(f"{name} has no parameter {unknown[0]!r}; it has {listed}")
        nested: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            own, _, inner = name.partition("__")
            if inner:
                holder = params.get(own, getattr(self, own))
                if not hasattr(holder, "set_params"):
                    wrong = f"but {own} is of type {type(holder).__name__}"
                    raise ValueError(f"{name} must name a parameter of an estimator, {wrong}")
                nested.setdefault(own, {})[inner] = value
        for own in params.keys() & known.keys():
            setattr(self, own, params[own])
        for own, inner_params in nested.items():
            getattr(self, own).set_params(**inner_params)
        return self

    def __repr__(self) -> str:
        defaults = {name: p.default for name, p in self._signature().items()}
        values = {name: getattr(self, name, default) for name, default in defaults.items()}
        shown = [(name, v) for name, v in values.items() if not same(v, defaults[name])]
        return described(type(self).__name__, shown)

    # ------------------------------------------------------------------ scikit-learn

    def __sklearn_is_fitted__(self) -> bool:
        return any(name.endswith("_") and not name.startswith("_") for name in vars(self))

    def __sklearn_tags__(self) -> Any:
        # Only versions of scikit-learn that have tags ask for them.
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def _check_parameters(self) -> None:
        """Refuse parameters that are wrong: every fit asks, and so does a load.

        Raises:
            TypeError, ValueError: If one is.
        """

    def _check_fitted(self) -> None:
        """Require a fit.

        Raises:
            sklearn.exceptions.NotFittedError: If there was none.
        """
        if not self.__sklearn_is_fitted__():
            from sklearn.exceptions import NotFittedError

            name, method = type(self).__name__, self._fit_name
            raise NotFittedError(f"this {name} is not fitted yet: call {name}.{method} first")

    # ------------------------------------------------------------------ saved folders

    def _config(self) -> dict[str, Any]:
        params = self.get_params(deep=False)
        return {k: v for k, v in params.items() if k not in self._objects or v is None}

    def _arrays(self) -> dict[str, Tensor]:
        raise NotImplementedError(f"{type(self).__name__} must implement _arrays")

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        raise NotImplementedError(f"{type(self).__name__} must implement _set_arrays")

    def _facts(self) -> dict[str, Any]:
        """Fitted attributes that are JSON values, by name."""
        return {"history_": self.history_} if hasattr(self, "history_") else {}

    def _set_facts(self, facts: Mapping[str, Any]) -> None:
        """Take up what :meth:`_facts` gave."""
        for name, value in facts.items():
            if not name.endswith("_") or name.startswith("_"):
                raise ValueError(f"{name!r:.80} is no name of a fitted attribute")
            setattr(self, name, value)
        rows = getattr(self, "history_", [])
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise TypeError(f"history_ must be a list of rows, got {rows!r:.80}")

    @classmethod
    def _restore(cls, config: dict[str, Any], arrays: dict[str, Tensor]) -> Self:
        """Build a fitted estimator again from its parameters and tensors."""
        estimator = cls(**config)
        estimator._check_parameters()
        estimator._set_arrays(arrays)
        return estimator

    @classmethod
    def _config_keys(cls) -> frozenset[str]:
        return frozenset(set(cls._signature()) - set(cls._objects))

    def save(self, directory: str | os.PathLike[str]) -> Path:
        """Write the estimator to a folder, replacing an earlier one there.

        Args:
            directory (path): Folder, created if missing. Left-overs of killed saves are removed.

        Returns:
            Path: The folder.

        Raises:
            ValueError: If ``_config()`` has unknown or missing names, NaN or an infinity, or a
                parameter was changed since the fit; nothing is written then.
            TypeError: If a parameter or fact is something JSON cannot express.
            OSError: If the folder cannot be written; the earlier estimator stays whole.
        """
        folder = user_path(directory, "directory")
        config = self._config()
        self._check_keys(config, f"{type(self).__name__}._config()")
        self._check_unchanged(config)
        record = {
            "class": type(self).__name__,
            "schema": self._schema,
            "version": __version__,
            "params": config,
            "facts": self._facts(),
        }
        text = record_text(record)
        sweep_stale(folder)
        save_arrays(folder / _ARRAYS, self._arrays(), {_RECORD: text})
        write_json(folder / _CONFIG, json.loads(text))
        return folder

    def _check_unchanged(self, config: Mapping[str, Any]) -> None:
        """Refuse parameters that do not describe what was fitted: a load would believe them."""
        before, free = as_fitted(self)._config(), self._read_later
        changed = changes(before, config, objects=self._objects, left_out=free)
        if changed:
            raise ValueError(
                f"parameters of {type(self).__name__} changed since the fit ({'; '.join(changed)}):"
                f" call {self._fit_name} again, or set them back, before it is saved"
            )

    @classmethod
    def load(cls, directory: str | os.PathLike[str], **objects: Any) -> Self:
        """Read an estimator that :meth:`save` wrote.

        Args:
            directory (path): Folder that holds the estimator.
            **objects: Parameters that were not saved, such as networks and clients, by name.

        Returns:
            Self: The estimator, on the CPU.

        Raises:
            FileNotFoundError: If the folder holds no estimator.
            ValueError: If the file is corrupted, or was saved by another class or schema, or has
                unknown parameters, or lacks one that has no default.
            TypeError: If ``objects`` lack one that was not saved, or hold anything else than the
                class names in ``_objects``.
        """
        path = user_path(directory, "directory") / _ARRAYS
        arrays, stored = load_arrays(path)
        if _RECORD not in stored:
            raise ValueError(f"{path} holds arrays but no estimator")
        record = read_record(stored[_RECORD], path)
        for field, expected in (("class", cls.__name__), ("schema", cls._schema)):
            if record[field] != expected:
                raise ValueError(
                    f"{path} was saved with {field} {record[field]!r} by graphlab "
                    f"{record['version']}, but {cls.__name__} expects {expected!r}"
                )
        params = cls._with_defaults(record["params"])
        cls._check_keys(params, str(path))
        missing = set(cls._objects) - set(params)
        if not missing <= set(objects) <= set(cls._objects):
            raise TypeError(
                f"{cls.__name__}.load takes the objects {sorted(missing)} beside the folder, "
                f"got {sorted(objects)}"
            )
        config = {name: cls._as_default(name, value) for name, value in params.items()}
        try:
            estimator = cls._restore(config | objects, arrays)
            estimator._set_facts(record["facts"])
        except (TypeError, ValueError) as error:
            # An object of the caller may be what is wrong, and not the file.
            given = sorted(name for name, value in objects.items() if value is not None)
            if not given:
                raise _unlike(path, cls, error) from error
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(f"{path} and the given {', '.join(given)}: {error!s:.400}") from error
        except (
            LookupError, AttributeError, RuntimeError, ArithmeticError, MemoryError
        ) as error:  # fmt: skip
            raise _unlike(path, cls, error) from error
        return estimator

    @classmethod
    def from_pretrained(
        cls,
        name_or_path: str | os.PathLike[str],
        *,
        revision: str | None = None,
        token: str | bool | None = None,
        **objects: Any,
    ) -> Self:
        """Load from a folder, or from the Hugging Face Hub by its name; see :meth:`load`.

        Args:
            name_or_path (path): A folder that :meth:`save` wrote, or ``"user/model"``.
            revision (str, optional): Branch, tag or commit of the model on the Hub.
            token (str, optional): Token for a private model; that of ``hf auth login`` if None.
            **objects: Parameters that were not saved, such as networks and clients, by name.

        Returns:
            Self: The estimator, on the CPU.

        Raises:
            FileNotFoundError: If there is neither such a folder nor a model of that name at hand.
            ImportError: If the Hub is needed and ``huggingface_hub`` is missing.
            ValueError, TypeError: As by :meth:`load`.
        """
        folder = fetch(name_or_path, cls._hub_files, revision=revision, token=token)
        return cls.load(folder, **objects)

    def _hub_save(self, folder: Path) -> object:
        return self.save(folder)

    def _hub_description(self) -> Description:
        name, room = type(self).__name__, ".".join(type(self).__module__.split(".")[:2])
        config = self._config()
        objects = "".join(f", {key}=..." for key in self._objects if key not in config)
        loading = f"from {room} import {name}\n\nmodel = "
        loading += f'{name}.from_pretrained("{{repo_id}}"{objects})'
        history = getattr(self, "history_", None) or [{}]
        return Description(name, loading, config, history[-1])

    @classmethod
    def _check_keys(cls, config: Mapping[str, Any], source: str) -> None:
        expected = cls._config_keys()
        unknown = sorted(set(config) - expected - set(cls._objects))
        missing = sorted(expected - set(config))
        if unknown or missing:
            raise ValueError(f"{source} has unknown parameters {unknown} and lacks {missing}")

    @classmethod
    def _with_defaults(cls, config: Mapping[str, Any]) -> dict[str, Any]:
        """Saved parameters, and the defaults of those that an earlier version did not know."""
        known, keys = cls._signature(), cls._config_keys()
        later = {k: p.default for k, p in known.items() if k in keys and p.default is not p.empty}
        return later | dict(config)

    @classmethod
    def _as_default(cls, name: str, value: Any) -> Any:
        """A tuple again where the default is one: JSON has lists only."""
        parameter = cls._signature().get(name)
        default = None if parameter is None else parameter.default
        return tuple(value) if isinstance(default, tuple) and isinstance(value, list) else value


def _unlike(path: Path, cls: type, error: Exception) -> ValueError:
    """What is said of a file with a right checksum that no ``save`` of the class wrote."""
    return ValueError(f"{path} does not hold what {cls.__name__}.save writes: {error!s:.400}")


def packed(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays under names that begin with a prefix, to save several networks in one file."""
    return {f"{prefix}{name}": value for name, value in arrays.items()}


def unpacked(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Arrays whose names begin with a prefix, without it."""
    return {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
