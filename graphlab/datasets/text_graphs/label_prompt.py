"""Classes of the usual text graphs in words, for models that read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from graphlab._checks import check_choice, check_list, check_text
from graphlab._repr import short_repr

__all__ = ["LabelPrompt", "label_prompt"]


@short_repr
@dataclass(frozen=True)
class LabelPrompt:
    """How the classes of a graph are put into words.

    Attributes:
        template (str): Sentence with ``{c}`` for the class.
        names (dict[str, str]): Readable names of classes by those in the files, where they differ.
        descriptions (dict[str, str]): Descriptions by readable name, or nothing.
    """

    template: str
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)

    def readable(self, names: Sequence[str]) -> list[str]:
        """Readable names of classes, in their order.

        Args:
            names (Sequence[str]): Names in the files.

        Returns:
            list[str]: Those of :attr:`names`, and others with spaces for underscores.

        Raises:
            TypeError: If it is no list of texts.
        """
        listed = [check_text(name, "names") for name in check_list(names, "names", "texts")]
        return [self.names.get(name, name.replace("_", " ")) for name in listed]


_ARXIV = {
    "AI": "Artificial Intelligence",
    "AR": "Hardware Architecture",
    "CC": "Computational Complexity",
    "CE": "Computational Engineering, Finance, and Science",
    "CG": "Computational Geometry",
    "CL": "Computation and Language",
    "CR": "Cryptography and Security",
    "CV": "Computer Vision and Pattern Recognition",
    "CY": "Computers and Society",
    "DB": "Databases",
    "DC": "Distributed, Parallel, and Cluster Computing",
    "DL": "Digital Libraries",
    "DM": "Discrete Mathematics",
    "DS": "Data Structures and Algorithms",
    "ET": "Emerging Technologies",
    "FL": "Formal Languages and Automata Theory",
    "GL": "General Literature",
    "GR": "Graphics",
    "GT": "Computer Science and Game Theory",
    "HC": "Human-Computer Interaction",
    "IR": "Information Retrieval",
    "IT": "Information Theory",
    "LG": "Machine Learning",
    "LO": "Logic in Computer Science",
    "MA": "Multiagent Systems",
    "MM": "Multimedia",
    "MS": "Mathematical Software",
    "NA": "Numerical Analysis",
    "NE": "Neural and Evolutionary Computing",
    "NI": "Networking and Internet Architecture",
    "OH": "Other Computer Science",
    "OS": "Operating Systems",
    "PF": "Performance",
    "PL": "Programming Languages",
    "RO": "Robotics",
    "SC": "Symbolic Computation",
    "SD": "Sound",
    "SE": "Software Engineering",
    "SI": "Social and Information Networks",
    "SY": "Systems and Control",
}
#: Classes of both arXiv sets, in the order of their numbers in ogbn-arxiv.
ARXIV_ORDER = (
    "NA", "MM", "LO", "CY", "CR", "DC", "HC", "CE", "NI", "CC", "AI", "MA", "GL", "NE", "SC", "AR",
    "CV", "GR", "ET", "SY", "CG", "OH", "PL", "SE", "LG", "SD", "SI", "RO", "IT", "PF", "CL", "IR",
    "MS", "FL", "DS", "OS", "GT", "DB", "DL", "DM",
)  # fmt: skip
_RESEARCH = "it belongs to {c} research area"
_CORA = {
    "Neural Networks": "artificial neural networks, backpropagation, hidden units, training",
    "Reinforcement Learning": "agents learning from reward, Q-learning, policies, Markov decision "
    "processes",
    "Probabilistic Methods": "Bayesian networks, Gaussian processes, Markov chain Monte Carlo, "
    "inference",
    "Theory": "computational learning theory, PAC learning, generalisation bounds, boosting",
    "Genetic Algorithms": "evolutionary computation, genetic programming, crossover, mutation, "
    "fitness",
    "Case Based": "case-based reasoning, retrieving and adapting past cases, analogy",
    "Rule Learning": "inductive logic programming, learning rules, clauses and decision lists",
}
_CITESEER = {
    "Agents": "agents",
    "ML": "machine learning",
    "IR": "information retrieval",
    "DB": "databases",
    "HCI": "human-computer interaction",
    "AI": "artificial intelligence",
}
_WEBKB = {
    "student": "personal home page of a graduate or undergraduate student",
    "project": "page of a research project or lab",
    "course": "page of a course with syllabus, lectures and homework",
    "staff": "home page of a staff member",
    "faculty": "home page of a professor, with research and publications",
}
_PUBMED = {
    "Experimental": "experimentally induced diabetes",
    "Type 1": "type 1 diabetes",
    "Type 2": "type 2 diabetes",
}
_SIMPLE = {
    "wikics": _RESEARCH,
    "history": "this book belongs to {c}",
    "photo": "this product belongs to {c}",
    "computers": "is {c} category",
}

PROMPTS = {
    "cora": LabelPrompt("this paper has a topic on {c}", {}, _CORA),
    "citeseer": LabelPrompt("good paper of {c}", _CITESEER),
    "pubmed": LabelPrompt(_RESEARCH, _PUBMED),
    **{
        name: LabelPrompt(_RESEARCH, {f"cs.{key}": words for key, words in _ARXIV.items()})
        for name in ("ogbn-arxiv", "arxiv-2023")
    },
    **{name: LabelPrompt(template) for name, template in _SIMPLE.items()},
    **{
        f"webkb-{name}": LabelPrompt("this web page belongs to the {c} category", {}, _WEBKB)
        for name in ("cornell", "texas", "washington", "wisconsin")
    },
}


def label_prompt(name: str) -> LabelPrompt:
    """Sentence, names and descriptions of the classes of a text graph.

    Templates are those of the released GraphCLIP where it has one for the graph, the last one is
    this library's; descriptions are this library's, written once and before any score was seen.

    Args:
        name (str): Name of the graph, see :class:`TextGraphDataset`.

    Returns:
        LabelPrompt: For the arguments ``templates`` and ``descriptions`` of
        :class:`graphlab.tag.ZeroShotClassifier`.

    Raises:
        ValueError: If the name is unknown.

    Example:
        >>> label_prompt("citeseer").readable(["IR", "ML"])
        ['information retrieval', 'machine learning']
    """
    return PROMPTS[check_choice(name, "name", tuple(PROMPTS))]
