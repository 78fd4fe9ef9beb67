"""Mutants of a module: its source with one small mistake each, of the kinds that people make."""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

#: What stands in for an operator.
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.MatMult: ast.Add,
}


@dataclass(frozen=True)
class Mutant:
    """One mistake.

    Attributes:
        line (int): Where the changed expression begins.
        reach (tuple[int, int]): First and last line of what runs it: its statement, or the body of
            the function whose default it is; all zeros if importing the module runs it.
        what (str): The expression before and after.
        tree (ast.Module): The module with the mistake.
    """

    line: int
    reach: tuple[int, int]
    what: str
    tree: ast.Module


def mutants(source: str) -> list[Mutant]:
    """Every mutant of a module, in the order of its lines.

    Docstrings, annotations, words of errors and warnings, ``__all__``, and what only a type checker
    sees are left alone: no behaviour depends on them, or a test of it would repeat the text.
    """
    tree = ast.parse(source)
    found = []
    for path, node in _walk(tree, ()):
        for changed in _changes(node):
            mutated = copy.deepcopy(tree)
            _put(mutated, path, changed)
            ast.fix_missing_locations(mutated)
            what = f"{_text(node)} -> {_text(changed)}"
            found.append(Mutant(getattr(node, "lineno", 0), _reach(tree, path), what, mutated))
    return sorted(found, key=lambda mutant: mutant.line)


Path = tuple[tuple[str, int | None], ...]


def _walk(node: ast.AST, path: Path) -> Iterator[tuple[Path, ast.AST]]:
    """Nodes that may be changed, each with the way to it."""
    if path:
        yield path, node
    for field, value in ast.iter_fields(node):
        if field in ("annotation", "returns", "decorator_list", "ctx", "type_params", "bases"):
            continue
        if isinstance(value, ast.AST):
            if not _left_alone(value):
                yield from _walk(value, (*path, (field, None)))
        elif isinstance(value, list):
            for number, child in enumerate(value):
                if isinstance(child, ast.AST) and not _left_alone(child):
                    yield from _walk(child, (*path, (field, number)))


def _reach(tree: ast.Module, path: Path) -> tuple[int, int]:
    node: ast.AST = tree
    function, statement = None, None
    for field, number in path:
        node = getattr(node, field) if number is None else getattr(node, field)[number]
        if isinstance(node, ast.stmt):
            statement = node
            inside = isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            function = node if inside else function
    if function is None or statement is None:
        return 0, 0
    if statement is function:  # a default
        return function.body[0].lineno, function.end_lineno or function.lineno
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if body else statement.end_lineno
    return statement.lineno, max(last or 0, statement.lineno)


def _left_alone(node: ast.AST) -> bool:
    if isinstance(node, (ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Global, ast.Nonlocal)):
        return True
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True  # a docstring
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return True
    if isinstance(node, ast.FunctionDef) and any(
        "overload" in _text(d) for d in node.decorator_list
    ):
        return True
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return any(_text(target) in ("__all__", "__slots__") for target in targets)
    return False


def _changes(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield ast.Compare(node.left, [_COMPARISONS[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        if not _is_text(node.left) and not _is_text(node.right):
            yield ast.BinOp(node.left, _ARITHMETIC[type(node.op)](), node.right)
    elif isinstance(node, ast.BoolOp):
        yield ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)) and not _negatable(node.test):
        changed = copy.copy(node)
        changed.test = ast.UnaryOp(ast.Not(), node.test)
        yield changed
    elif isinstance(node, ast.Return) and node.value is not None and _text(node.value) != "None":
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, (ast.Raise, ast.Continue, ast.Break)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()
    elif isinstance(node, ast.AugAssign) and type(node.op) in _ARITHMETIC:
        yield ast.AugAssign(node.target, _ARITHMETIC[type(node.op)](), node.value)


def _negatable(test: ast.expr) -> bool:
    """What has a mutant of its own that says the opposite."""
    negation = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    turned = (ast.Eq, ast.NotEq, ast.Is, ast.IsNot, ast.In, ast.NotIn)
    return negation or (isinstance(test, ast.Compare) and isinstance(test.ops[0], turned))


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    value = node.value
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield ast.Constant(value + 1)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _put(tree: ast.Module, path: Path, changed: ast.AST) -> None:
    node: ast.AST = tree
    get: Callable[[ast.AST, str, int | None], ast.AST] = lambda n, f, i: (  # noqa: E731
        getattr(n, f) if i is None else getattr(n, f)[i]
    )
    for field, number in path[:-1]:
        node = get(node, field, number)
    field, number = path[-1]
    ast.copy_location(changed, get(node, field, number))
    if number is None:
        setattr(node, field, changed)
    else:
        getattr(node, field)[number] = changed


def _text(node: ast.AST) -> str:
    """The first line of a node's source, cut where it is long."""
    line = ast.unparse(node).partition("\n")[0]
    return line if len(line) <= 70 else f"{line[:67]}..."
