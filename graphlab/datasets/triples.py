"""Knowledge graphs: files of triples, and the sets on which completion is compared."""

from __future__ import annotations

import re
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

from graphlab._checks import check_choice
from graphlab._graphs.typed import Data
from graphlab._io import atomic_path, user_path
from graphlab._labels import is_nothing
from graphlab._repr import short_repr
from graphlab._text_file import read_text
from graphlab.datasets._local import LocalDataset, read_stored
from graphlab.datasets._triple_lines import Row, check_delimiter, parse_triples

__all__ = ["TripleDataset", "TripleNames", "read_triples"]

Split: TypeAlias = Literal["train", "valid", "test"]
_SPLITS = ("train", "valid", "test")
_PLAIN_NUMBER = re.compile(r"0|[1-9][0-9]*")
_MASKS = {"train": "train_mask", "valid": "val_mask", "test": "test_mask"}

#: Files of a set with their SHA-256, and the sizes that must come out.
_KNOWN: dict[str, tuple[dict[str, str], tuple[int, int, int, int, int]]] = {
    "umls": (
        {"umls.tar.gz": "26223aa91f0ec8db2324e0f489b9a4425e04d1d0df72ce5cfd62af4b91aee6fd"},
        (135, 46, 5216, 652, 661),
    ),
    "kinship": (
        {"kinship.tar.gz": "a3cb9ca67213eb38133aebc12901195e283d844ebd59f1a6cbf2d4fa12ced4e6"},
        (104, 25, 8544, 1068, 1074),
    ),
    "nations": (
        {"nations.tar.gz": "feb3e3e027103089934ea7dfb67d2048d8a43e65d6757a86f2e037acb66f640b"},
        (14, 55, 1592, 199, 201),
    ),
    "fb15k237": (
        {"FB15k-237.tar.gz": "311df7930f842a02979eaa7a802484a6afe62303c07f915f1e6edbc30cbe05e8"},
        (14541, 237, 272115, 17535, 20466),
    ),
    "wn18rr": (
        {
            "train.txt": "038612e783c215ee5f3ca9fbfca27b8d0739be1028fe4ee7c174aecf0b83d5df",
            "valid.txt": "453ce7202afa58094a04d2b1560ee2b02660f1c260b32ce6651c8ccedd1028ab",
            "test.txt": "0383bceaaa1096cf3c03ec021ed0048068e2355dbfc0239b292cefdac821cec5",
        },
        (40943, 11, 86835, 3034, 3134),
    ),
}
#: Folders in which others keep the files of a set.
_FOLDERS = {"wn18rr": ("WordNet18RR/raw", "WN18RR")}


@short_repr
class TripleNames(NamedTuple):
    """What the numbers of a knowledge graph stand for.

    Attributes:
        entities (tuple[str, ...]): Name of every entity, in the order of the numbers.
        relations (tuple[str, ...]): Name of every relation.
    """

    entities: tuple[str, ...]
    relations: tuple[str, ...]


def read_triples(
    source: Any,
    *,
    entities: Sequence[str] | None = None,
    relations: Sequence[str] | None = None,
    delimiter: str | None = None,
    header: bool = False,
    encoding: str | None = None,
) -> tuple[Data, TripleNames]:
    """Read a knowledge graph out of files of triples: head, relation and tail in a line.

    Fields are separated by tabs, or by white space where a line has no tab; by commas in files
    named ``.csv``, where fields may be quoted. Entities and relations are numbered by their names
    in ascending order, so that the numbers do not depend on the order of lines or files.

    Args:
        source (path, mapping or sequence): A folder with ``train.txt`` (or ``.tsv``, ``.csv``) and,
            where they exist, files of ``valid`` and ``test``; a file; a mapping of ``"train"``,
            ``"valid"`` and ``"test"`` to files; or triples ``(T, 3)`` themselves, rows of names or
            a tensor. Files may be packed with gzip, bzip2 or xz.
        entities (Sequence[str], optional): Names of all entities, distinct, in the order of a table
            of features; then they are numbered in this order.
        relations (Sequence[str], optional): Names of all relations, likewise.
        delimiter (str, optional): The character that separates fields, which may be quoted then.
        header (bool): Whether the first line of every file names the columns.
        encoding (str, optional): Encoding of the files; by default that of their byte order mark,
            else UTF-8.

    Returns:
        tuple[Data, TripleNames]: ``edge_index`` (2, T) int64 from heads to tails, ``edge_type``
        (T,), ``num_nodes``, ``num_relations``, and for several splits ``train_mask``, ``val_mask``
        and ``test_mask`` (T,), as PyG's ``WordNet18RR`` has them. And the names.

    Raises:
        FileNotFoundError: If a file or ``train.txt`` is missing.
        TypeError: If ``source`` is nothing of the above.
        ValueError: If a line or row has no three fields or lacks a name, there is no triple, a name
            is not among those given, or those repeat one.

    Warns:
        UserWarning: If a first line looks like names of columns and is read as a triple.

    Example:
        >>> data, names = read_triples([("ada", "knows", "bob"), ("bob", "likes", "tea")])
        >>> data.edge_index.tolist(), data.edge_type.tolist(), names.entities
        ([[0, 1], [1, 2]], [0, 1], ('ada', 'bob', 'tea'))
    """
    options: dict[str, Any] = {"delimiter": check_delimiter(delimiter), "header": bool(header)}

    def read(path: Path) -> list[Row]:
        return parse_triples(read_text(path, encoding), str(path), **options)

    return _assembled(_splits(source, read), entities, relations)


def _splits(source: Any, read: Callable[[Path], list[Row]]) -> dict[str, list[Row]]:
    """Triples of names by split, in the order train, valid, test."""
    if isinstance(source, (str, bytes)) or hasattr(source, "__fspath__"):
        path = user_path(source, "source")
        if not path.is_dir():
            return {"train": read(path)}
        source = {split: file for split in _SPLITS if (file := _file_of(path, split)) is not None}
        if "train" not in source:
            raise FileNotFoundError(
                f"{path} holds no train.txt: pass the file, or {{'train': ...}}"
            )
    if isinstance(source, Mapping):
        for name in source:
            check_choice(name, "source", _SPLITS)
        ordered = [(name, source[name]) for name in _SPLITS if name in source]
        paths = [(name, user_path(path, f"source[{name!r}]")) for name, path in ordered]
        return {name: read(path) for name, path in paths}
    return {"train": _listed(source)}


def _file_of(folder: Path, split: str) -> Path | None:
    """The file of a split in a folder."""
    paths = [folder / f"{split}{suffix}" for suffix in (".txt", ".tsv", ".csv")]
    return next((path for path in paths if path.exists()), None)


def _listed(source: Any) -> list[Row]:
    if hasattr(source, "tolist"):  # of torch and numpy
        source = source.tolist()
    if not isinstance(source, (list, tuple)):
        raise TypeError(
            "source must be a path, a mapping of splits to paths or triples (T, 3), got "
            f"{type(source).__name__}"
        )
    rows: list[Row] = []
    for position, row in enumerate(source):
        if not isinstance(row, (list, tuple)) or len(row) != 3:
            raise ValueError(
                f"source[{position}] must be (head, relation, tail), got {row!r:.80}: "
                "transpose it, or pass edge_index and edge_type where those are asked for"
            )
        if any(is_nothing(name) or name == "" for name in row):
            raise ValueError(f"source[{position}] lacks a name: {row!r:.80}")
        rows.append((str(row[0]), str(row[1]), str(row[2])))
    return rows


def _assembled(
    splits: Mapping[str, list[Row]],
    entities: Sequence[str] | None,
    relations: Sequence[str] | None,
) -> tuple[Data, TripleNames]:
    rows = [row for part in splits.values() for row in part]
    if not rows:
        raise ValueError("source must hold at least one triple, got none")
    nodes = _numbers({name for row in rows for name in (row[0], row[2])}, entities, "entities")
    kinds = _numbers({row[1] for row in rows}, relations, "relations")
    table = [(nodes[head], kinds[relation], nodes[tail]) for head, relation, tail in rows]
    columns = torch.tensor(table, device="cpu").t().contiguous()
    data = Data(edge_index=columns[[0, 2]], edge_type=columns[1], num_nodes=len(nodes))
    data.num_relations = len(kinds)
    if len(splits) > 1:
        sizes = torch.tensor([len(part) for part in splits.values()], device="cpu")
        part_of = torch.repeat_interleave(sizes)
        for position, name in enumerate(splits):
            data[_MASKS[name]] = part_of == position
    return data, TripleNames(tuple(nodes), tuple(kinds))


def _numbers(found: set[str], given: Sequence[str] | None, what: str) -> dict[str, int]:
    if given is None:
        ordered = sorted(found)
        # Words that are all numbers keep them: ids of other tools are such.
        if all(map(_PLAIN_NUMBER.fullmatch, ordered)):
            ordered.sort(key=len)  # of one length, they are in the order of words already
        return {name: number for number, name in enumerate(ordered)}
    names = [str(name) for name in given]
    numbers = {name: number for number, name in enumerate(names)}
    if len(numbers) != len(names):
        twice = next(name for number, name in enumerate(names) if numbers[name] != number)
        raise ValueError(f"{what} must not repeat a name, but repeats {twice!r:.80}")
    missing = sorted(found - set(names))
    if missing:
        raise ValueError(
            f"{what} must name all of the triples, but lacks {len(missing)}: {missing[:5]}"
        )
    return numbers


def _member(archive: tarfile.TarFile, name: str) -> str:
    """Text of a file of an archive; links, which lead elsewhere, are none."""
    found = [member for member in archive.getmembers() if member.name == name and member.isfile()]
    content = archive.extractfile(found[-1]) if found else None
    if content is None:
        raise ValueError(f"it holds no file {name}")
    return content.read().decode("utf-8")


class TripleDataset(LocalDataset):
    """Knowledge graphs on which completion is compared, split by their publishers.

    ============  ========  =========  =======  ======  ======  ==================================
    name          entities  relations  train    valid   test    entities unseen in train
    ============  ========  =========  =======  ======  ======  ==================================
    ``umls``      135       46         5,216    652     661     none
    ``kinship``   104       25         8,544    1,068   1,074   none
    ``nations``   14        55         1,592    199     201     none
    ``fb15k237``  14,541    237        272,115  17,535  20,466  in 9 valid and 28 test triples
    ``wn18rr``    40,943    11         86,835   3,034   3,134   in 210 valid and 210 test triples
    ============  ========  =========  =======  ======  ======  ==================================

    Any other name is that of a folder of yours with ``train.txt``, ``valid.txt`` and ``test.txt``;
    see :func:`read_triples` for their lines. Nothing is fetched: the files of the sets above are
    those of the ConvE repository. They are expected in ``<root>/<name>/raw``; if they are not
    there, they are copied from ``<root>``, ``<root>/<name>`` or ``source``, and checked against
    their SHA-256. PyG's own ``FB15k_237`` and ``WordNet18RR`` hold the same triples under other
    numbers, and work as well.

    The single ``Data`` is that of :func:`read_triples` with the three masks.

    Args:
        root (path, optional): Folder of the data sets, writable; None means ``kge`` in the data
            root of graphlab (``GRAPHLAB_ROOT``, else ``./data``).
        name (str): One of the names above, or of your folder.
        transform (callable, optional): Applied to the ``Data`` at every access.
        pre_transform (callable, optional): Applied once, before the graph is stored.
        force_reload (bool): Process again even if a stored graph exists.
        source (path, optional): Folder to copy missing raw files from.

    Raises:
        ValueError: If a file has another SHA-256 or content.
        FileNotFoundError: If raw files are missing.

    Reference: Dettmers et al., "Convolutional 2D knowledge graph embeddings", AAAI 2018; Toutanova
        and Chen, "Observed versus latent features for knowledge base and text inference", CVSC
        2015 (FB15k-237); Kok and Domingos, "Statistical predicate invention", ICML 2007 (UMLS,
        Kinship, Nations).
    """

    def __init__(
        self,
        root: str | Path | None,
        name: str,
        transform: Callable[[Data], Any] | None = None,
        pre_transform: Callable[[Data], Any] | None = None,
        force_reload: bool = False,
        *,
        source: str | Path | None = None,
    ) -> None:
        if not isinstance(name, str) or not name or "/" in name or name in (".", ".."):
            raise ValueError(
                f"name must be one of {tuple(_KNOWN)} or the name of a folder in root, got {name!r}"
            )
        super().__init__(root, "kge", name, transform, pre_transform, force_reload, source)
        self.load(self.processed_paths[0])
        stored = read_stored(self.processed_paths[1])
        self.names = TripleNames(tuple(stored["entities"]), tuple(stored["relations"]))

    @property
    def processed_file_names(self) -> list[str]:
        """Names of the stored graph and of what its numbers stand for."""
        return ["data.pt", "names.pt"]

    @property
    def num_relations(self) -> int:
        """Number of relations R."""
        return len(self.names.relations)

    def triples(self, split: Split) -> tuple[Tensor, Tensor]:
        """The triples of a split, as :class:`graphlab.embed.KGEmbedding` takes them.

        Args:
            split (str): ``"train"``, ``"valid"`` or ``"test"``.

        Returns:
            tuple[Tensor, Tensor]: ``edge_index`` (2, T) and ``edge_type`` (T,), int64.
        """
        data = self[0]
        mask = data[_MASKS[check_choice(split, "split", _SPLITS)]]
        return data.edge_index[:, mask], data.edge_type[mask]

    def process(self) -> None:
        """Read and check the raw files and store the graph in one step."""
        data, names = _assembled(self._read(), None, None)
        if self.name in _KNOWN:
            wanted = _KNOWN[self.name][1]
            counts = [int(data[_MASKS[split]].sum()) for split in _SPLITS]
            sizes = (data.num_nodes, data.num_relations, *counts)
            if sizes != wanted:
                raise ValueError(
                    f"{self.name} must have {wanted} entities, relations and triples, got {sizes}"
                )
        with atomic_path(self.processed_paths[1]) as temporary:
            torch.save({"entities": names.entities, "relations": names.relations}, temporary)
        self._store(data)

    def _read(self) -> dict[str, list[Row]]:
        paths = self._verified()
        if len(paths) > 1:
            return {
                s: parse_triples(read_text(p), str(p)) for s, p in zip(_SPLITS, paths, strict=True)
            }
        try:
            with tarfile.open(paths[0]) as archive:  # members are read, nothing is unpacked
                texts = {name: _member(archive, f"{name}.txt") for name in _SPLITS}
        except (tarfile.TarError, OSError, EOFError, zlib.error, ValueError) as error:
            raise ValueError(f"{paths[0]} cannot be read: {error!s:.400}") from error
        return {
            name: parse_triples(text, f"{paths[0]}, {name}.txt") for name, text in texts.items()
        }

    def _checksums(self) -> dict[str, str | None]:
        if self.name in _KNOWN:
            return dict(_KNOWN[self.name][0])
        return {f"{split}.txt": None for split in _SPLITS}

    def _candidates(self, name: str) -> Iterator[Path]:
        folders = (self.name, *_FOLDERS.get(self.name, ()))
        if name.endswith(".tar.gz"):
            yield Path(self.root) / name
        for folder in folders:
            yield Path(self.root) / folder / name
        if self._source is not None:
            yield self._source / name
            for folder in folders:
                yield self._source / folder / name
