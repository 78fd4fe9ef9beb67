"""Published text graphs: files in their published forms, small, and what is wrong with them."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
from collections import Counter
from dataclasses import replace

import pytest
import torch
from torch_geometric.data import Data

from graphlab._text_file import open_text
from graphlab.datasets import TextGraphDataset, label_prompt
from graphlab.datasets.text_graphs.dataset import PUBLISHED
from graphlab.datasets.text_graphs.label_prompt import ARXIV_ORDER, PROMPTS
from graphlab.tag import TextGraph
from tests._data import test_data_root

TEXTS = ["T0\n\nA0", "T1\n\nA1", "T2\n\nA2", "T3\n\nA3"]
CLASSES = 2


def packed(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()))


def write_ogb(folder):
    packed(folder / "raw" / "edge.csv.gz", "0,1\n1,2\n2,2\n3,0\n")
    packed(folder / "raw" / "node-label.csv.gz", "0\n1\n1\n0\n")
    packed(folder / "mapping" / "nodeidx2paperid.csv.gz",
           "node idx,paper id\n0,90\n1,70\n2,80\n3,60\n")  # fmt: skip
    packed(folder / "mapping" / "labelidx2arxivcategeory.csv.gz",
           "label idx,arxiv category\n0,arxiv cs na\n1,arxiv cs lg\n")  # fmt: skip
    for name, nodes in (("train", "0\n2\n"), ("valid", "1\n"), ("test", "3\n")):
        packed(folder / "split" / "time" / f"{name}.csv.gz", nodes)
    rows = "60\tT3\tA3\n70\tT1\tA1\n80\tT2\tA2\n90\tT0\tA0\n100\tother\tpaper\n"
    # The published file is an archive that is named otherwise.
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:gz") as archive:
        entry = tarfile.TarInfo("titleabs.tsv")
        entry.size = len(rows)
        archive.addfile(entry, io.BytesIO(rows.encode()))
    (folder / "titleabs.tsv.gz").write_bytes(whole.getvalue())


def write_arxiv_2023(folder):
    graph = Data(
        edge_index=torch.tensor([[0, 1, 2, 3], [1, 2, 2, 0]]), y=torch.tensor([0, 1, 1, 0])
    )
    torch.save(graph, folder / "graph.pt")
    rows = [f"{i},T{i},A{i}" for i in range(4)]
    (folder / "paper_info.csv").write_text("\n".join(["id,title,abstract", *rows, ""]))


def write_cora(folder):
    names = ["Case_Based", "Genetic_Algorithms", "Genetic_Algorithms", "Case_Based"]
    rows = [f"{i + 30}\t0\t1\t{name}\n" for i, name in enumerate(names)]
    (folder / "cora.content").write_text("".join(rows))
    (folder / "cora.cites").write_text("30 31\n31 32\n32 32\n33 30\n30 99\n")
    papers = "".join(f"{i + 30}\thttp:##host#paper{i}.ps\tnote\n" for i in range(4))
    (folder / "papers").write_text(papers)
    (folder / "extractions").mkdir()
    for i in range(4):
        text = f"URL: x\nTitle: T{i}\nAuthor: \xe9\nAbstract: A{i}\nReference: Title: other\n"
        (folder / "extractions" / f"http:##host#paper{i}.ps").write_text(text, encoding="latin-1")


def write_pubmed(folder):
    rows = [f"{i + 30}\tlabel={c}\tw-rat=0.1\tsummary=w-rat" for i, c in enumerate((1, 2, 2, 1))]
    name = "Pubmed-Diabetes.NODE.paper.tab"
    (folder / name).write_text("\n".join(["NODE\tpaper", "cat=1,2,3", *rows, ""]))
    ends = [(30, 31), (31, 32), (32, 32), (33, 30)]
    edges = [f"{i}\tpaper:{a}\t|\tpaper:{b}" for i, (a, b) in enumerate(ends)]
    name = "Pubmed-Diabetes.DIRECTED.cites.tab"
    (folder / name).write_text("\n".join(["DIRECTED\tcites", "NO_FEATURES", *edges, ""]))
    # In another order, which ids tell.
    articles = [{"PMID": str(i + 30), "TI": f"T{i}", "AB": f"A{i}"} for i in (2, 0, 1, 3)]
    (folder / "pubmed.json").write_text(json.dumps(articles))


def write_bundle(folder):
    edges = torch.tensor([[0, 1, 2, 3], [1, 2, 2, 0]])
    y = torch.tensor([[0], [1], [1], [0]])
    graph = Data(x=torch.eye(4), edge_index=edges, y=y, raw_texts=TEXTS, label_names=["IR", "ML"])
    torch.save(graph, folder / "citeseer.pt")


def bundle(content):
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def write_wikics(folder):
    labels, names = [0, 1, 1, 0], {"0": "A class", "1": "Another_class"}
    nodes = [{"id": str(i + 30), "title": f"T{i}", "label": names[str(c)], "tokens": [f"A{i}"]}
             for i, c in enumerate(labels)]  # fmt: skip
    (folder / "metadata.json").write_text(json.dumps({"labels": names, "nodes": nodes}))
    data = {"labels": labels, "links": [[1], [2], [2], [0]], "features": [[0.0]] * 4}
    (folder / "data.json").write_text(json.dumps(data))


def write_webkb(folder):
    rows = [f'u,"T{i}\n\nA{i}",{name},{i},{c},9,{near}' for i, (name, c, near) in enumerate(
        [("student", 0, "[1]"), ("project", 1, '"[0, 2]"'), ("project", 1, "[2]"),
         ("student", 0, "[0]")])]  # fmt: skip
    header = "url,raw_text,category,node_id,label,len,neighbor_ids"
    (folder / "Cornell.csv").write_text("\n".join([header, *rows, ""]))


WRITERS = {
    "ogbn-arxiv": write_ogb,
    "arxiv-2023": write_arxiv_2023,
    "cora": write_cora,
    "pubmed": write_pubmed,
    "citeseer": write_bundle,
    "wikics": write_wikics,
    "webkb-cornell": write_webkb,
}
#: Their readers know all classes of the graph.
ALL_CLASSES = {"arxiv-2023": 40, "cora": 7, "pubmed": 3}


@pytest.fixture
def small(monkeypatch):
    """Graphs of four nodes instead of the published sizes."""
    for name in WRITERS:
        size = {"num_nodes": 4, "num_classes": ALL_CLASSES.get(name, CLASSES), "num_edges": 3}
        monkeypatch.setitem(PUBLISHED, name, replace(PUBLISHED[name], **size))


@pytest.fixture
def raw(tmp_path):
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("name", WRITERS)
def test_published_files_become_a_text_graph(name, tmp_path, raw, small):
    WRITERS[name](raw)
    (data,) = TextGraphDataset(tmp_path / "root", name, source=tmp_path)
    assert data.text == TEXTS and data.y.tolist() == [0, 1, 1, 0]
    assert data.edge_index.tolist() == [[0, 0, 1, 1, 2, 3], [1, 3, 0, 2, 1, 0]]
    assert len(data.label_names) == ALL_CLASSES.get(name, CLASSES)
    assert "_" not in "".join(data.label_names) and len(set(data.node_id)) == 4
    graph = TextGraph.from_data(data, data.text)
    assert graph.label_names == data.label_names
    # Again, from what is stored.
    (again,) = TextGraphDataset(tmp_path / "root", name)
    assert again.text == TEXTS and again.node_id == data.node_id


@pytest.mark.parametrize("ids", [None, range(30, 34)])
def test_articles_in_the_order_of_the_graph_need_no_ids(ids, tmp_path, raw, small):
    write_pubmed(raw)
    articles = [{"TI": f"T{i}", "AB": f"A{i}"} for i in range(4)]
    if ids is not None:
        articles = [{"PMID": i, **article} for i, article in zip(ids, articles, strict=True)]
    (raw / "pubmed.json").write_text(json.dumps(articles))
    dataset = TextGraphDataset(tmp_path / "root", "pubmed", source=raw)
    assert dataset[0].text == TEXTS and dataset.num_classes == 3


def test_folders_that_are_there_are_not_copied_again(tmp_path, raw, small):
    target = tmp_path / "root" / "cora" / "raw"
    target.mkdir(parents=True)
    write_cora(target)
    (target / "papers").rename(raw / "papers")
    with pytest.raises(FileNotFoundError, match=r"lacks 1 raw file\(s\)"):
        TextGraphDataset(tmp_path / "root", "cora")
    assert TextGraphDataset(tmp_path / "root", "cora", source=raw)[0].text == TEXTS


def test_an_error_beside_a_file_is_not_laid_to_the_file(tmp_path):
    (tmp_path / "a.txt").write_text("whole\n", encoding="utf-8")
    with (
        pytest.raises(UnicodeEncodeError, match="'ascii' codec can't encode"),
        open_text(tmp_path / "a.txt") as file,
    ):
        f"{file.read()} ä".encode("ascii")


def test_what_only_some_have(tmp_path, raw, small):
    write_ogb(raw)
    (data,) = TextGraphDataset(tmp_path / "root", "ogbn-arxiv", source=raw)
    assert data.node_id == ["90", "70", "80", "60"]
    assert data.label_names == ["Numerical Analysis", "Machine Learning"]
    assert data.train_mask.tolist() == [True, False, True, False]
    assert data.val_mask.tolist() == [False, True, False, False]
    write_webkb(raw)
    (data,) = TextGraphDataset(tmp_path / "root", "webkb-cornell", source=raw)
    assert data.label_descriptions[1] == "page of a research project or lab"


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_missing_files_are_listed_with_place_and_origin(name, tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        TextGraphDataset(tmp_path, name)
    message = str(caught.value)
    files = [*PUBLISHED[name].files, *PUBLISHED[name].folders]
    assert f"lacks {len(files)} raw file(s)" in message and "source=..." in message
    for file in files:
        assert str(tmp_path / name / "raw" / file) in message
    assert all(origin in message for origin in PUBLISHED[name].files.values())


@pytest.mark.parametrize(
    ("name", "file", "change", "message"),
    [
        ("ogbn-arxiv", "titleabs.tsv.gz", lambda b: gzip.compress(b"90\tT\tA\n"),
         r"lacks 3 of 4 papers: \['70', '80', '60'\]"),
        ("ogbn-arxiv", "titleabs.tsv.gz", lambda b: b"paper", "rows of a paper id, title and"),
        ("ogbn-arxiv", "raw/edge.csv.gz", lambda b: b"0,one\n", "must hold rows of whole numbers"),
        ("ogbn-arxiv", "split/time/test.csv.gz", lambda b: b"7\n", r"nodes below 4, got 7"),
        ("arxiv-2023", "graph.pt", lambda b: b"junk", r"graph\.pt cannot be read safely"),
        ("arxiv-2023", "paper_info.csv", lambda b: b[:-8], r"must have 4 papers.*got 3"),
        ("cora", "cora.content", lambda b: b + b"40 0 1 Poetry\n", "unknown classes .'Poetry'"),
        ("cora", "papers", lambda b: b[:5], r"papers lacks 3 of 4 papers"),
        ("cora", "cora.cites", lambda b: b[:6], "must have 3 edges, its files have 1"),
        ("pubmed", "pubmed.json", lambda b: b"[]", "must hold a list of 4 articles"),
        ("pubmed", "pubmed.json", lambda b: b.replace(b'"30"', b'"77"'), "other articles than"),
        ("citeseer", "citeseer.pt", lambda b: b"", r"citeseer\.pt cannot be read safely"),
        ("wikics", "data.json", lambda b: b"{", r"data\.json is no JSON file"),
        ("wikics", "data.json", lambda b: b.replace(b"[0, 1, 1, 0]", b"[0, 1, 0, 1]"),
         "have other classes or orders"),
        ("webkb-cornell", "Cornell.csv", lambda b: b.replace(b"project,2", b"project,5"),
         "must list the nodes in order, row 2 is 5"),
        ("webkb-cornell", "Cornell.csv", lambda b: b.replace(b"raw_text", b"words"),
         r"one of the columns \['raw_text', 'text'\]"),
        ("webkb-cornell", "Cornell.csv", lambda b: b.replace(b"project,1", b"student,1"),
         "names class 1 'student' and 'project'"),
        ("webkb-cornell", "Cornell.csv", lambda b: re.sub(rb"(student,\d),0", rb"\1,5", b),
         r"must number its classes from 0, got \[1, 5\]"),
        ("webkb-cornell", "Cornell.csv", lambda b: b.replace(b"9,[0]", b"9"),
         "a row has 6 fields, the header 7"),
        ("pubmed", "pubmed.json", lambda b: b.replace(b'"T0"', b'""').replace(b'"A0"', b'""'),
         r"1 articles have neither title nor abstract: \['30'\]"),
        ("pubmed", "Pubmed-Diabetes.NODE.paper.tab", lambda b: b.replace(b"=2", b"=4"),
         r"must have labels 1 to 3, got \['label=1', 'label=4'\]"),
        ("cora", "extractions/http:##host#paper1.ps", lambda b: b"URL: x\n",
         r"1 papers have neither title nor abstract: \['31'\]"),
        ("wikics", "data.json", lambda b: b.replace(b"[0, 1, 1, 0]", b"[0, 1, 1]"),
         "has 4 nodes, data.json 3 labels and 4 lists of links"),
        ("wikics", "metadata.json", lambda b: b"[]", r"must hold an object with \['nodes', 'lab"),
        ("wikics", "metadata.json", lambda b: b.replace(b'"T0"', b'""').replace(b'"A0"', b'""'),
         r"has 1 nodes without text: \[0\]"),
        ("citeseer", "citeseer.pt", lambda b: bundle([1]), "edge_index and y, got list"),
        ("citeseer", "citeseer.pt", lambda b: bundle({"y": 1}), r"edge_index and y, got \['y'\]"),
        ("citeseer", "citeseer.pt", lambda b: bundle({"edge_index": [[0], [1]], "y": 1}),
         "must hold edge_index as a tensor, got list"),
        ("citeseer", "citeseer.pt", lambda b: bundle({"edge_index": torch.eye(2), "y": 1}),
         "must hold one of"),
        ("citeseer", "citeseer.pt",
         lambda b: bundle({"edge_index": torch.zeros(2, 0).long(), "y": torch.tensor([0, 1, 7, 0]),
                           "raw_texts": TEXTS, "label_names": ["IR", "ML"]}),
         "must have a class below 2 per node, got 4 labels from 0 to 7"),
    ],
)  # fmt: skip
def test_other_files_are_refused_by_name(name, file, change, message, tmp_path, raw, small):
    WRITERS[name](raw)
    (raw / file).write_bytes(change((raw / file).read_bytes()))
    with pytest.raises(ValueError, match=message):
        TextGraphDataset(tmp_path / "root", name, source=raw)


def test_another_version_is_told_by_its_size(tmp_path, raw):
    write_webkb(raw)
    with pytest.raises(ValueError, match=r"must have 191 nodes and 5 classes, .* have 4 and 2"):
        TextGraphDataset(tmp_path, "webkb-cornell", source=raw)


class Payload:
    def __reduce__(self):
        return (pytest.fail, ("a stored graph was run",))


def test_stored_graphs_run_nothing(tmp_path, raw, small):
    torch.save({"edge_index": Payload(), "y": 0}, raw / "citeseer.pt")
    with pytest.raises(ValueError, match=r"cannot be read safely.*torch\.save"):
        TextGraphDataset(tmp_path / "root", "citeseer", source=raw)


def test_prompts_name_the_classes():
    assert set(PROMPTS) == set(PUBLISHED)
    assert all(prompt.template.count("{c}") == 1 for prompt in PROMPTS.values())
    assert len(set(ARXIV_ORDER)) == 40 == len(label_prompt("ogbn-arxiv").names)
    assert label_prompt("citeseer").readable(["HCI", "A_b"]) == [
        "human-computer interaction",
        "A b",
    ]
    with pytest.raises(ValueError, match="name must be one of"):
        label_prompt("karate")


def test_real_classes_of_arxiv_have_these_names():
    path = test_data_root("llm_outputs", "arxiv_2023_tape") / "gpt_preds.csv"
    first = [line.split(",")[0] for line in path.read_text(encoding="utf-8").splitlines()]
    counts = Counter(ARXIV_ORDER[int(word)] for word in first if word)
    # Vision, learning and language had the most papers in 2023.
    assert {name for name, _ in counts.most_common(3)} == {"LG", "CV", "CL"}
