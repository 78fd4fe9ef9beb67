"""Tables in memory: frames of pandas, data sets of Hugging Face, dicts of columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from graphlab.tag.text_graph._sources.source import Plain, distinct_columns

__all__: list[str] = []

_ROWS = 4096  # of a part


class FrameTable(Plain):
    """A frame of pandas; its index names the rows where no column does.

    Args:
        frame (DataFrame): The frame.
        name (str): Its argument.
    """

    def __init__(self, frame: Any, name: str) -> None:
        if getattr(frame.columns, "nlevels", 1) > 1:
            raise ValueError(f"{name} must have one level of columns, got {frame.columns.nlevels}")
        self.name = name
        self._frame = frame
        self.columns = distinct_columns(frame.columns, name)
        # An index of numbers without a name is what pandas makes by itself, and filters leave.
        plain = frame.index.name is None and frame.index.inferred_type in ("integer", "empty")
        self.named_rows = not plain

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns."""
        columns = [self._frame.iloc[:, self.columns.index(column)] for column in wanted]
        for start in range(0, len(self._frame), _ROWS):
            yield [column.iloc[start : start + _ROWS].tolist() for column in columns]

    def own_ids(self) -> Sequence[Any] | None:
        """Labels of the index: after ``dropna``, for instance, they are no row numbers."""
        labels: list[Any] = self._frame.index.tolist()
        return labels


class HubTable(Plain):
    """A ``datasets.Dataset``, or one that is streamed.

    Args:
        data (Dataset or IterableDataset): The data set, one split of it.
        name (str): Its argument.

    Raises:
        TypeError: If it is a dict of splits.
    """

    def __init__(self, data: Any, name: str) -> None:
        if isinstance(data, Mapping):
            raise TypeError(f"{name} must be one split, {name}=data[...], got {list(data)}")
        self.name = name
        self._data = data
        self._features = dict(getattr(data, "features", None) or {})
        columns = data.column_names or list(self._features) or list(next(iter(data), {}))
        self.columns = distinct_columns(columns, name)

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns, without the formats of torch and others."""
        data = self._data.select_columns(list(dict.fromkeys(wanted)))
        if hasattr(data, "with_format"):
            data = data.with_format(None)
        for part in data.iter(batch_size=_ROWS):
            yield [part[column] for column in wanted]

    def class_names(self, column: str) -> list[str] | None:
        """Names of a ``ClassLabel``."""
        names = getattr(self._features.get(column), "names", None)
        return None if names is None else [str(name) for name in names]


class ColumnsTable(Plain):
    """A dict of columns.

    Args:
        columns (Mapping): Values by the name of their column, all of one length.
        name (str): The argument.

    Raises:
        ValueError: If lengths differ.
    """

    def __init__(self, columns: Mapping[Any, Any], name: str) -> None:
        self.name = name
        self.columns = distinct_columns(list(columns), name)
        self._values = {}
        for column, values in zip(self.columns, columns.values(), strict=True):
            if isinstance(values, (str, bytes)) or not hasattr(values, "__len__"):
                kind = type(values).__name__
                raise TypeError(f"{name}[{column!r:.80}] must be a list of values, got {kind}")
            self._values[column] = values.tolist() if hasattr(values, "tolist") else list(values)
        lengths = {column: len(values) for column, values in self._values.items()}
        if len(set(lengths.values())) > 1:
            raise ValueError(f"the columns of {name} must have one length, got {lengths}")

    def parts(self, wanted: Sequence[str]) -> Iterator[list[Sequence[Any]]]:
        """Values of some columns, at once."""
        columns = [self._values[column] for column in wanted]
        if columns and columns[0]:
            yield columns
