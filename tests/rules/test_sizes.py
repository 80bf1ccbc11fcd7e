"""Files and functions stay small; the exceptions are listed with their size, which may only shrink."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tests.rules.tracked import CHECKOUT, python_files

FILE_LINES = 300
FUNCTION_LINES = 40


def measured(path: Path) -> Iterator[tuple[str, int, int]]:
    """Each name in a file with its lines and its limit: the file, and every function by its dotted name."""
    text = path.read_text()
    name = str(path.relative_to(CHECKOUT))
    yield name, len(text.splitlines()), FILE_LINES
    for dotted, node in functions(ast.parse(text), ""):
        yield f"{name}::{dotted}", (node.end_lineno or node.lineno) - node.lineno + 1, FUNCTION_LINES


def functions(tree: ast.AST, prefix: str) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
            yield from functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from functions(node, f"{prefix}{node.name}.")
        else:
            yield from functions(node, prefix)


def test_no_file_or_function_is_larger_than_it_may_be() -> None:
    allowed = {
        entry: found["lines"]
        for entry, found in tomllib.loads((CHECKOUT / "tests/rules/sizes.toml").read_text()).items()
    }
    large = {name: lines for path in python_files() for name, lines, limit in measured(path) if lines > limit}
    grown = {name: lines for name, lines in large.items() if lines > allowed.get(name, 0)}
    assert not grown, f"too large (limits: {FILE_LINES} lines a file, {FUNCTION_LINES} a function): {grown}"
    shrunk = {name: large.get(name, 0) for name, lines in allowed.items() if large.get(name, 0) < lines}
    assert not shrunk, f"smaller than tests/rules/sizes.toml says; write the new size there (0: remove it): {shrunk}"


def test_every_exception_has_a_reason() -> None:
    listed = tomllib.loads((CHECKOUT / "tests/rules/sizes.toml").read_text())
    assert [name for name, found in listed.items() if not found.get("reason")] == []
