"""The base of estimators: parameters, repr, scikit-learn's tools, saved folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from graphlab._estimator import Estimator, packed, unpacked
from graphlab._io import load_arrays, read_json, save_arrays
from tests._saving import forget_parameters


class Shift(Estimator):
    """Subtracts a multiple of the mean; a transformer and a scorer."""

    def __init__(
        self, factor: float = 1.0, parts: tuple[int, ...] = (1, 2), *, inner: Any = None
    ) -> None:
        self.factor = factor
        self.parts = parts
        self.inner = inner

    def fit(self, x: Any, y: Any = None, *, callback: Any = None) -> Shift:
        self.mean_ = np.asarray(x).mean(0)
        self.history_ = [{"step": step, "loss": 1.0 / (step + 1)} for step in range(2)]
        for row in self.history_ if callback else ():
            callback(row)
        return self

    def transform(self, x: Any) -> Any:
        self._check_fitted()
        return x - self.factor * self.mean_

    def score(self, x: Any, y: Any = None) -> float:
        return -float(np.abs(self.transform(x).mean()))

    def _arrays(self) -> dict[str, Tensor]:
        self._check_fitted()
        return {"mean": torch.from_numpy(self.mean_)}

    def _set_arrays(self, arrays: dict[str, Tensor]) -> None:
        self.mean_ = arrays["mean"].numpy()


X = np.arange(12.0).reshape(6, 2)


# --- parameters -----------------------------------------------------------------------------------


def test_parameters_are_those_of_the_constructor():
    inner = Shift(2.0)
    estimator = Shift(parts=(3,), inner=inner)
    assert estimator.get_params(deep=False) == {"factor": 1.0, "parts": (3,), "inner": inner}
    deep = estimator.get_params()
    assert deep["inner__factor"] == 2.0 and deep["inner__inner"] is None
    assert Shift(inner=Shift).get_params()["inner"] is Shift  # a class has no parameters to list


def test_parameters_are_set_in_estimators_inside_too():
    estimator = Shift(inner=Shift(inner=Shift()))
    assert estimator.set_params(factor=2.0, inner__factor=3.0) is estimator
    estimator.set_params(inner__inner__parts=(7,))
    assert (estimator.factor, estimator.inner.factor) == (2.0, 3.0)
    assert estimator.inner.inner.parts == (7,)
    replaced = estimator.set_params(inner__factor=5.0, inner=Shift())
    assert replaced.inner.factor == 5.0  # the new one gets what is meant for it


def test_an_unknown_parameter_changes_nothing():
    estimator = Shift(inner=Shift())
    with pytest.raises(ValueError, match="Shift has no parameter 'wrong'; it has factor, inner"):
        estimator.set_params(factor=9.0, wrong=1)
    with pytest.raises(ValueError, match="Shift has no parameter 'other'"):
        estimator.set_params(other__factor=1)
    assert estimator.factor == 1.0


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({}, "Shift()"),
        ({"factor": 1.0, "parts": (1, 2)}, "Shift()"),
        ({"factor": 1}, "Shift(factor=1)"),  # another type is another value
        ({"factor": 2.0, "parts": (3,)}, "Shift(factor=2.0, parts=(3,))"),
        ({"factor": np.ones((3, 2))}, "Shift(factor=ndarray(3, 2))"),
        ({"factor": torch.ones(3, 2)}, "Shift(factor=Tensor(3, 2))"),
        ({"inner": torch.nn.Linear(2, 3)}, "Shift(inner=Linear())"),
        ({"inner": Shift(2.0)}, "Shift(inner=Shift(factor=2.0))"),
        ({"inner": "a\n b"}, r"Shift(inner='a\n b')"),
        ({"parts": tuple(range(50))}, "Shift(parts=tuple of 50)"),
    ],
)
def test_the_repr_shows_what_is_not_default(params, shown):
    assert repr(Shift(**params)) == shown


# --- scikit-learn ---------------------------------------------------------------------------------


def test_a_clone_is_unfitted_and_shares_no_estimator():
    estimator = Shift(2.0, inner=Shift(3.0)).fit(X)
    twin = clone(estimator)
    assert (twin.factor, twin.inner.factor) == (2.0, 3.0)
    assert twin.inner is not estimator.inner
    with pytest.raises(NotFittedError, match="this Shift is not fitted yet: call Shift.fit first"):
        twin.transform(X)


def test_it_is_a_step_of_a_pipeline_and_of_a_grid():
    pipeline = make_pipeline(StandardScaler(), Shift())
    assert np.allclose(pipeline.fit(X).transform(X).mean(0), 0)
    pipeline.set_params(shift__factor=0.0)
    assert np.allclose(pipeline.transform(X), StandardScaler().fit_transform(X))
    search = GridSearchCV(Shift(), {"factor": [0.0, 0.9, 5.0]}, cv=2).fit(np.tile(X, (2, 1)))
    assert search.best_params_ == {"factor": 0.9}


def test_an_underscore_at_the_end_marks_what_was_fitted():
    estimator = Shift()
    assert not estimator.__sklearn_is_fitted__()
    estimator._private_ = 1
    assert not estimator.__sklearn_is_fitted__()
    assert estimator.fit(X).__sklearn_is_fitted__()


# --- saved folders --------------------------------------------------------------------------------


def test_a_fit_is_saved_with_its_history_and_its_tuples(tmp_path):
    estimator = Shift(2.0, (4, 5)).fit(X)
    loaded = Shift.load(estimator.save(tmp_path / "model"))
    assert loaded.parts == (4, 5)  # JSON has lists only
    assert loaded.history_ == estimator.history_
    assert np.array_equal(loaded.transform(X), estimator.transform(X))
    with pytest.raises(NotFittedError):
        Shift().save(tmp_path / "other")
    assert not (tmp_path / "other" / "arrays.safetensors").exists()


def test_a_record_without_facts_is_read(tmp_path):
    path = Shift().fit(X).save(tmp_path) / "arrays.safetensors"
    arrays, stored = load_arrays(path)
    record = json.loads(stored["graphlab.estimator"])
    assert record.pop("facts")["history_"]
    save_arrays(path, arrays, {"graphlab.estimator": json.dumps(record)})
    loaded = Shift.load(tmp_path)
    assert np.array_equal(loaded.mean_, X.mean(0)) and not hasattr(loaded, "history_")


def test_a_hidden_parameter_is_no_file(tmp_path):
    with pytest.raises(TypeError):
        Shift(inner=Shift()).fit(X).save(tmp_path)


def test_arrays_of_several_networks_share_a_file():
    arrays = packed("a/", {"w": torch.ones(1)}) | packed("b/", {"w": torch.zeros(1)})
    assert sorted(arrays) == ["a/w", "b/w"]
    assert unpacked("b/", arrays) == {"w": arrays["b/w"]}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


class Scaler(Estimator):
    def __init__(self, factor: float = 1.0, *, names: tuple[str, ...] = ()) -> None:
        self.factor, self.names = factor, tuple(names)
        self.mean_ = torch.zeros(2)

    def _config(self):
        return {"factor": self.factor, "names": self.names}

    def _arrays(self):
        return {"mean": self.mean_}

    @classmethod
    def _restore(cls, config, arrays):
        scaler = cls(**config)
        scaler.mean_ = arrays["mean"]
        return scaler


class Other(Scaler):
    pass


class Newer(Scaler):
    _schema = 2


def saved(tmp_path: Path, factor: float = 2.5) -> Path:
    scaler = Scaler(factor, names=("a", "ä"))
    scaler.mean_ = torch.tensor([1.0, 2.0])
    return scaler.save(tmp_path / "model")


def test_estimator_round_trip(tmp_path):
    folder = saved(tmp_path)
    loaded = Scaler.load(str(folder))
    assert (loaded.factor, loaded.names) == (2.5, ("a", "ä"))
    assert loaded.mean_.tolist() == [1, 2]
    assert names(folder) == ["arrays.safetensors", "config.json"]
    record = read_json(folder / "config.json")
    assert (record["class"], record["schema"]) == ("Scaler", 1)
    assert record["params"] == {"factor": 2.5, "names": ["a", "ä"]}


def test_saving_again_replaces(tmp_path):
    saved(tmp_path)
    assert Scaler.load(saved(tmp_path, factor=3.0)).factor == 3.0


def test_a_save_cut_between_its_two_files_loads_the_new_pair(tmp_path, monkeypatch):
    folder = saved(tmp_path, factor=1.0)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("graphlab._estimator.write_json", die)
    with pytest.raises(KeyboardInterrupt):
        saved(tmp_path, factor=2.0)
    assert read_json(folder / "config.json")["params"]["factor"] == 1.0
    assert Scaler.load(folder).factor == 2.0


@pytest.mark.parametrize(
    ("cls", "match"),
    [
        (Other, "saved with class 'Scaler' by graphlab .*, but Other expects 'Other'"),
        (type("Scaler", (Newer,), {}), "saved with schema 1 by graphlab .* expects 2"),
    ],
)
def test_load_refuses_another_class_or_schema(tmp_path, cls, match):
    folder = saved(tmp_path)
    with pytest.raises(ValueError, match=match):
        cls.load(folder)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"factor", "names", "extra"}, r"unknown parameters \[\] and lacks \['extra'\]"),
        ({"factor"}, r"unknown parameters \['names'\] and lacks \[\]"),
    ],
)
def test_parameters_must_match(tmp_path, monkeypatch, keys, match):
    folder = saved(tmp_path)
    monkeypatch.setattr(Scaler, "_config_keys", classmethod(lambda cls: frozenset(keys)))
    with pytest.raises(ValueError, match=rf"arrays\.safetensors has {match}"):
        Scaler.load(folder)
    with pytest.raises(ValueError, match=rf"Scaler\._config\(\) has {match}"):
        Scaler().save(folder)


def test_a_parameter_that_a_folder_lacks_has_its_default(tmp_path):
    folder = forget_parameters(saved(tmp_path, factor=2.0), "names")
    loaded = Scaler.load(folder)
    assert (loaded.factor, loaded.names) == (2.0, ())
    loaded.save(folder)
    assert Scaler.load(folder).get_params() == loaded.get_params()


class Required(Scaler):
    def __init__(self, factor, *, names=()):
        super().__init__(factor, names=names)


def test_a_parameter_without_a_default_is_not_made_up(tmp_path):
    folder = forget_parameters(Required(2.0).save(tmp_path), "factor")
    with pytest.raises(ValueError, match=r"unknown parameters \[\] and lacks \['factor'\]"):
        Required.load(folder)


class Wrapper(Scaler):
    _objects = ("network",)

    def __init__(self, network=None, factor: float = 1.0, *, names: tuple[str, ...] = ()) -> None:
        super().__init__(factor, names=names)
        self.network = network

    def _config(self):
        return super()._config() | ({"network": None} if self.network is None else {})


def test_objects_are_given_again_where_they_were_not_saved(tmp_path):
    plain, wrapping = Wrapper().save(tmp_path / "a"), Wrapper(torch.nn.ReLU()).save(tmp_path / "b")
    network = torch.nn.Sigmoid()
    assert Wrapper.load(plain).network is None
    assert Wrapper.load(plain, network=network).network is network
    assert Wrapper.load(wrapping, network=network).network is network
    with pytest.raises(TypeError, match=r"takes the objects \['network'\] .* got \[\]"):
        Wrapper.load(wrapping)
    with pytest.raises(TypeError, match=r"takes the objects \[\] .* got \['factor'\]"):
        Wrapper.load(plain, factor=3.0)


def test_save_refuses_values_json_lacks(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        Scaler(float("nan")).save(tmp_path / "model")
    with pytest.raises(TypeError):
        Scaler(torch.zeros(1)).save(tmp_path / "model")
    assert names(tmp_path) == []


def test_load_refuses_damage_and_other_files(tmp_path):
    folder = saved(tmp_path)
    path = folder / "arrays.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"arrays\.safetensors"):
        Scaler.load(folder)
    save_arrays(path, {"mean": torch.zeros(2)})
    with pytest.raises(ValueError, match="holds arrays but no estimator"):
        Scaler.load(folder)
    good = {"class": "Scaler", "schema": 1, "version": "0", "params": 3}
    for record in ("[]", "{}", "{", "[" * 100_000, json.dumps(good)):
        save_arrays(path, {}, {"graphlab.estimator": record})
        with pytest.raises(ValueError, match=r"arrays\.safetensors"):
            Scaler.load(folder)
    with pytest.raises(FileNotFoundError):
        Scaler.load(tmp_path / "missing")


def test_a_subclass_must_implement_what_is_saved():
    class Bare(Estimator):
        pass

    for call, name in [
        (Bare()._arrays, "_arrays"),
        (lambda: Bare()._set_arrays({}), "_set_arrays"),
    ]:
        with pytest.raises(NotImplementedError, match=f"Bare must implement {name}"):
            call()
