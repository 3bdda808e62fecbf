"""Every port has a contract suite, and every implementation in the product or among the fakes goes through it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from .pages import ROOT

SOURCE = ROOT / "src" / "foveal"
CONTRACTS = SOURCE / "testing" / "contracts"
PORTS = (*sorted((SOURCE / "ports").glob("*.py")), SOURCE / "api" / "engine.py")
WITHOUT_CONTRACT = {
    "Model": "not a role of its own: the identity that every model role has, tested by the contract of each role",
    "ChunkSnapshot": "only a ChunkStore gives one out, and ChunkStoreContract tests it through the store",
    "DocumentSnapshot": "only a DocumentStore gives one out, and DocumentStoreContract tests it through the store",
    "IndexRecord": "a value that only a Catalog gives out; CatalogContract reads it",
    "Shares": "links to Conversations, and ConversationsContract tests them together",
    "Sniffer": "a function with one implementation, `readers.sniffing.sniff`, tested in tests/readers/test_sniffing.py",
}
"""Ports without a suite of their own, and why."""
UNTESTED = {
    "LocalVisionChat": "hands every call to OpenAIChatModel, which has the contract; a model small enough for a test "
    "answers in random bytes, so tests/models_text/test_vision_chat_local.py tests what it adds",
    "LocalVisionCaptioner": "the same over OpenAICaptioner",
}
"""Implementations that no contract runs over, and why."""


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_text("utf-8"))


def _classes(file: Path) -> list[ast.ClassDef]:
    return [node for node in ast.walk(_tree(file)) if isinstance(node, ast.ClassDef)]


def _members(cls: ast.ClassDef) -> set[str]:
    """Public methods, properties, fields, and what `__init__` sets."""
    named = {n.name for n in cls.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    named |= {n.target.id for n in cls.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    named |= {n.attr for n in ast.walk(cls) if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}
    return {name for name in named if not name.startswith("_")}


def _bases(cls: ast.ClassDef) -> set[str]:
    return {base.id for base in cls.bases if isinstance(base, ast.Name)}


def _port_classes() -> list[ast.ClassDef]:
    return [cls for file in PORTS for cls in _classes(file)]


@cache
def _ports() -> dict[str, frozenset[str]]:
    """Members by port, those of its bases included."""
    found: dict[str, frozenset[str]] = {}
    for cls in _port_classes():
        inherited = frozenset().union(*(found.get(base, frozenset()) for base in _bases(cls)))
        found[cls.name] = inherited | _members(cls)
    return found


@cache
def _contracts() -> dict[str, ast.ClassDef]:
    """Suites by port."""
    suites = [cls for file in CONTRACTS.glob("*.py") for cls in _classes(file) if cls.name.endswith("Contract")]
    return {cls.name.removesuffix("Contract"): cls for cls in suites}


@cache
def _subclasses() -> dict[str, list[str]]:
    """For every suite, what its subclasses in the tests say, each with the module-level names it uses."""
    found: dict[str, list[str]] = {}
    for file in (ROOT / "tests").rglob("test_*.py"):
        for cls in _classes(file):
            for base in _bases(cls):
                if base.endswith("Contract"):
                    found.setdefault(base.removesuffix("Contract"), []).append(_reached(file, cls))
    return found


def _reached(file: Path, cls: ast.ClassDef) -> str:
    """The source of a test class and of the fixtures and functions of its folder that it names."""
    functions = {
        node.name: ast.unparse(node)
        for near in (file, file.parent / "conftest.py", ROOT / "tests" / "conftest.py")
        if near.is_file()
        for node in _tree(near).body
        if isinstance(node, ast.FunctionDef)
    }
    text, todo = "", [ast.unparse(cls)]
    while todo:
        piece = todo.pop()
        text += piece
        todo += [functions.pop(name) for name in set(re.findall(r"\w+", piece)) & set(functions)]
    return text


def _implementations(port: str) -> list[str]:
    """Classes of the product and of the fakes that have all members of a port: the port is structural, so are we."""
    wanted = _ports()[port]
    files = [f for f in SOURCE.rglob("*.py") if f not in PORTS and CONTRACTS not in f.parents]
    classes = {cls.name: cls for file in files for cls in _classes(file) if not cls.name.startswith("_")}

    def members(cls: ast.ClassDef) -> set[str]:
        return _members(cls).union(*(members(classes[base]) for base in _bases(cls) if base in classes))

    return sorted(name for name, cls in classes.items() if wanted <= members(cls) and "ABC" not in _bases(cls))


TESTED = sorted(set(_ports()) - set(WITHOUT_CONTRACT))


def test_the_ports_are_all_found() -> None:
    assert {"Source", "Reader", "TextEmbedder", "ChatModel", "ChunkStore", "Catalog", "Engine"} <= set(_ports())
    assert _ports()["TextEmbedder"] == {"identity", "dim", "embed_passages", "embed_queries"}


def test_what_needs_no_contract_is_still_a_port_and_has_none() -> None:
    assert set(WITHOUT_CONTRACT) <= set(_ports())
    assert not set(WITHOUT_CONTRACT) & set(_contracts())


def test_every_contract_is_of_a_port() -> None:
    assert set(_contracts()) <= set(_ports())


@pytest.mark.parametrize("port", TESTED)
def test_a_port_has_a_contract_suite_that_says_what_it_is(port: str) -> None:
    suite = _contracts()[port]
    assert port in (ast.get_docstring(suite) or "")
    tests = [n for n in suite.body if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")]
    assert len(tests) >= 3
    assert all(ast.get_docstring(test) for test in tests)


@pytest.mark.parametrize("port", TESTED)
def test_a_contract_runs_over_two_implementations_or_more(port: str) -> None:
    assert len(_subclasses().get(port, [])) >= 2


@pytest.mark.parametrize("port", TESTED)
def test_a_port_has_a_fake_of_its_own(port: str) -> None:
    """In `foveal.testing`, where whoever writes a part of their own finds it."""
    fakes = {cls.name for file in (SOURCE / "testing").glob("fakes_*.py") for cls in _classes(file)}
    assert fakes & set(_implementations(port))


@pytest.mark.parametrize(
    ("port", "implementation"),
    [(port, name) for port in TESTED for name in _implementations(port) if name not in UNTESTED],
)
def test_an_implementation_goes_through_the_contract(port: str, implementation: str) -> None:
    assert any(re.search(rf"\b{implementation}\b", source) for source in _subclasses()[port])


def test_exceptions_are_still_there() -> None:
    assert set(UNTESTED) <= {name for port in TESTED for name in _implementations(port)}


def test_there_is_one_sniffer() -> None:
    """A second one asks for a contract suite."""
    sniffers = [
        function.name
        for file in SOURCE.rglob("*.py")
        for function in _tree(file).body
        if isinstance(function, ast.FunctionDef)
        and [argument.arg for argument in function.args.args][:3] == ["path", "head", "size_bytes"]
    ]
    assert sniffers == ["sniff"]


@pytest.mark.parametrize(
    ("port", "owner"),
    [
        ("ChunkSnapshot", "ChunkStore"),
        ("IndexRecord", "Catalog"),
        ("DocumentSnapshot", "DocumentStore"),
        ("Shares", "Conversations"),
    ],
)
def test_what_a_port_gives_out_is_tested_by_its_contract(port: str, owner: str) -> None:
    used = {n.attr for n in ast.walk(_contracts()[owner]) if isinstance(n, ast.Attribute)}
    assert _ports()[port] <= used
