"""The contract of estimators, held by every public class that derives from the base."""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from torch import Tensor

from graphlab import contrastive, embed, hyper, tag
from graphlab._estimator import Estimator
from tests._estimators import ENTRIES, fitted, made, objects_of
from tests.house._repository import public_modules

#: Classes whose constructor looks at its arguments.
CHECK_EARLY = {"KGEmbedding", "PromptTuner"}


def public_estimators() -> set[type[Estimator]]:
    things = [getattr(m, name) for m in public_modules().values() for name in m.__all__]
    return {thing for thing in things if isinstance(thing, type) and issubclass(thing, Estimator)}


def each(classes: Iterable[type[Estimator]] = ENTRIES) -> Any:
    """A test per class."""
    return pytest.mark.parametrize("cls", sorted(classes, key=lambda c: c.__name__))


def equal(one: Any, other: Any) -> bool:
    """The same results, but for rounding: a product may depend on where its factors lie."""
    if isinstance(one, Tensor):
        same_kind = one.dtype == other.dtype and one.shape == other.shape
        return same_kind and torch.allclose(one, other, rtol=1e-5, atol=1e-6)
    parts = [name for name in ("edge_index", "ptr", "idx") if hasattr(one, name)]
    assert parts, type(one)
    return all(equal(getattr(one, name), getattr(other, name)) for name in parts)


def test_every_public_estimator_is_here():
    assert public_estimators() == set(ENTRIES)


@each()
def test_parameters_are_kept_as_they_are_given(cls):
    given = ENTRIES[cls].params
    listed = inspect.signature(cls).parameters
    kept = made(cls).get_params(deep=False)
    assert set(given) <= set(kept) <= set(listed)
    for name, value in kept.items():
        wanted = given.get(name, listed[name].default)
        assert value is wanted or value == wanted, name


@each(cls for cls, entry in ENTRIES.items() if entry.other)
def test_a_constructor_looks_at_nothing(cls):
    name, value = ENTRIES[cls].other[0], object()
    if cls.__name__ in CHECK_EARLY:
        with pytest.raises(TypeError, match=name):
            made(cls, **{name: value})
        return
    assert made(cls, **{name: value}).get_params(deep=False)[name] is value


@each()
def test_a_clone_has_the_parameters_and_no_fit(cls):
    entry, estimator = ENTRIES[cls], made(cls)
    if entry.other:
        name, value = entry.other
        assert estimator.set_params(**{name: value}) is estimator
        assert estimator.get_params()[name] == value
    twin = clone(estimator)
    assert type(twin) is cls and twin is not estimator
    one, other = estimator.get_params(deep=False), twin.get_params(deep=False)
    assert {name: type(v) for name, v in one.items()} == {n: type(v) for n, v in other.items()}
    plain = (str, int, float, list)
    assert [name for name, v in one.items() if isinstance(v, plain) and v != other[name]] == []


@each()
def test_an_unknown_parameter_is_named(cls):
    with pytest.raises(ValueError, match=f"{cls.__name__} has no parameter 'nonsense'"):
        made(cls).set_params(nonsense=1)


def test_a_parameter_inside_of_what_has_none_is_named_and_nothing_changes():
    estimator = made(embed.FastRP)
    with pytest.raises(ValueError, match="beta__rate must name a parameter of an estimator, but"):
        estimator.set_params(dim=16, beta__rate=1)
    assert estimator.dim == 8


@each(cls for cls, entry in ENTRIES.items() if entry.other)
def test_the_repr_shows_what_is_not_default(cls):
    name, value = ENTRIES[cls].other
    before, after = repr(made(cls)), repr(made(cls, **{name: value}))
    assert f"{name}={value!r}" in after and f"{name}=" not in before
    assert before.startswith(f"{cls.__name__}(") and "\n" not in after
    defaults = {n for n, p in inspect.signature(cls).parameters.items() if p.default is not p.empty}
    assert [n for n in defaults - set(ENTRIES[cls].params) if f"({n}=" in before] == []


@each(cls for cls, entry in ENTRIES.items() if entry.fit and not entry.ready)
def test_what_needs_a_fit_says_so(cls):
    method = "index" if cls is tag.GraphRetriever else "fit"
    message = rf"this {cls.__name__} is not fitted yet: call {cls.__name__}\.{method} first"
    for name, use in ENTRIES[cls].uses.items():
        with pytest.raises(NotFittedError, match=message):
            use(made(cls))
            pytest.fail(f"{cls.__name__}.{name} works without a fit")


@each(cls for cls, entry in ENTRIES.items() if entry.fit)
def test_a_fit_leaves_attributes_with_an_underscore_and_rows(cls):
    entry, rows = ENTRIES[cls], []
    estimator = made(cls)
    before = set(vars(estimator))
    takes = "callback" in inspect.signature(cls.fit).parameters
    assert entry.fit(estimator, **({"callback": rows.append} if takes else {})) is estimator
    added = {name for name in set(vars(estimator)) - before if not name.startswith("_")}
    assert [name for name in added if not name.endswith("_")] == []
    assert added or not hasattr(estimator, "history_")
    history = getattr(estimator, "history_", [])
    assert takes == bool(history)
    assert isinstance(history, list) and all(isinstance(row, dict) for row in history)
    assert json.loads(json.dumps(history, allow_nan=False)) == history
    assert rows == history


def _of_numpy(value: Any) -> Any:
    """The value as a search over parameters gives it, where there is such a kind."""
    if isinstance(value, tuple) and value and all(isinstance(v, (int, float)) for v in value):
        return np.asarray(value)
    kinds = {bool: np.bool_, int: np.int64, float: np.float64}
    return kinds[type(value)](value) if type(value) in kinds else value


@each(cls for cls, entry in ENTRIES.items() if entry.fit and entry.saved)
def test_parameters_of_numpy_fit_print_and_save(cls, tmp_path):
    entry, listed = ENTRIES[cls], inspect.signature(cls).parameters
    params = {name: entry.params.get(name, p.default) for name, p in listed.items()}
    plain = cls(**params)
    other = cls(**{name: _of_numpy(value) for name, value in params.items()})
    for estimator in (plain, other):
        entry.fit(estimator)
    assert "int64" not in repr(other) and "float64" not in repr(other)
    objects = objects_of(cls)
    again = cls.load(other.save(tmp_path / "estimator"), **objects)
    for name, use in entry.uses.items():
        assert equal(use(other), use(plain)) and equal(use(again), use(plain)), name


@each(
    cls for cls in ENTRIES if "callback" in inspect.signature(getattr(cls, "fit", each)).parameters
)
def test_an_interrupted_fit_changes_nothing(cls):
    entry, estimator = ENTRIES[cls], made(cls)

    def stop(row: dict[str, Any]) -> None:
        raise KeyboardInterrupt

    def interrupted() -> None:
        with pytest.raises(KeyboardInterrupt):
            entry.fit(estimator, callback=stop)

    interrupted()
    assert not estimator.__sklearn_is_fitted__()
    entry.fit(estimator)
    before = {name: use(estimator) for name, use in entry.uses.items()}
    estimator.set_params(seed=5)
    interrupted()
    for name, use in entry.uses.items():
        assert equal(use(estimator), before[name]), name


@each()
def test_a_repr_has_no_addresses_and_no_values_of_tensors(cls):
    shown = repr(made(cls))
    assert " at 0x" not in shown and "tensor(" not in shown


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.uses)
def test_a_loaded_estimator_gives_the_same(cls, tmp_path):
    entry, estimator = ENTRIES[cls], fitted(cls)
    wanted = {name: use(estimator) for name, use in entry.uses.items()}
    again = cls.load(estimator.save(tmp_path / "estimator"), **objects_of(cls))
    assert type(again) is cls and set(again.get_params()) == set(estimator.get_params())
    for name, use in entry.uses.items():
        assert equal(use(again), wanted[name]), name


@each(cls for cls, entry in ENTRIES.items() if entry.uses)
def test_an_estimator_survives_pickle(cls):
    entry, estimator = ENTRIES[cls], fitted(cls)
    again = pickle.loads(pickle.dumps(estimator))
    for name, use in entry.uses.items():
        assert equal(use(again), use(estimator)), name


#: Parameters whose change would show only in a load: shapes and choices of what was fitted.
CHANGES: dict[type[Estimator], dict[str, Any]] = {
    contrastive.SCGC: {"out_channels": 4},
    embed.KGEmbedding: {"hidden_channels": 2},
    embed.PPR: {"dangling": "uniform"},
    embed.PPRFingerprints: {"walk_length": 20},
    hyper.HypergraphReconstructor: {"beta": 50},
    hyper.Marioh: {"classifier": "rf"},
}
#: These write the parameters of the fit themselves.
WRITE_THE_FIT = {embed.FastRP, hyper.HypergraphReconstructor}


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.fit and entry.other)
def test_a_parameter_set_since_the_fit_never_spoils_a_folder(cls, tmp_path):
    entry, estimator = ENTRIES[cls], made(cls)
    entry.fit(estimator)
    objects = objects_of(cls)
    folder = estimator.save(tmp_path / "estimator")
    stored = (folder / "arrays.safetensors").read_bytes()
    for changes in (dict([entry.other]), CHANGES.get(cls, {})):
        before = {name: getattr(estimator, name) for name in changes}
        estimator.set_params(**changes)
        free = cls in WRITE_THE_FIT and changes != CHANGES.get(cls)
        if free or changes.keys() <= cls._read_later:
            estimator.save(tmp_path / "free")
        else:
            name = next(iter(changes))
            match = f"parameters of {cls.__name__} changed since the fit .*{name} was .*, is "
            with pytest.raises(ValueError, match=match):
                estimator.save(folder)
            with pytest.raises(ValueError, match=match):
                estimator.save(tmp_path / "new")
            assert (folder / "arrays.safetensors").read_bytes() == stored
            assert not (tmp_path / "new").exists()
            estimator.set_params(**before).save(tmp_path / "free")
        again = cls.load(tmp_path / "free", **objects)
        for name, use in entry.uses.items():
            assert equal(use(again), use(estimator)), name
        estimator.set_params(**before)


@each(cls for cls, entry in ENTRIES.items() if entry.saved and entry.fit and entry.other)
def test_a_loaded_estimator_knows_the_parameters_of_its_fit(cls, tmp_path):
    entry = ENTRIES[cls]
    objects = objects_of(cls)
    folder = entry.fit(made(cls)).save(tmp_path / "estimator")
    changes = CHANGES.get(cls, dict([entry.other]))
    if cls is embed.FastRP or changes.keys() <= cls._read_later:
        return
    again = cls.load(folder, **objects).set_params(**changes)
    with pytest.raises(ValueError, match="changed since the fit"):
        again.save(folder)
    again.set_params(**entry.params | changes)  # some objects are loaded as their names
    cls.load(entry.fit(again).save(folder), **objects)
