"""The code behind each stage: its import closure, and a digest of each module's meaning.

DVC does not follow Python imports (treeverse/dvc#9195): a list kept by hand silently goes stale, and so do
the results. Here the list follows from the code: the stage `code` depends on all of it, and leaves for each
other stage a text with its modules and their digests, on which that stage depends. So an edit reruns only the
stages that import the edited module, directly or not.

A digest covers the syntax tree without docstrings, so comments, docstrings and layout rerun nothing.
Docstrings count in a module that reads `__doc__`. Modules that cannot change what a stage computes, only
whether and how fast it does, are left out on purpose (EXEMPT): a better log line or another pace must not
call a paid teacher again. Modules that decide ids, draws, order and the bytes of tables are watched. Empty
`__init__.py` files are left out because they can change nothing; so is that of a top-level package, whose
names are for users and are imported lazily.

A module that renders templates keeps them in `templates/` beside it: a stage that runs a module of such a
package also depends on the templates.

Takes two seconds of CPU for all stages of this repository, most of it for the syntax trees.
"""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from jz3.core.artifacts import MANIFEST, InFiles, OutDir
from jz3.core.errors import UserError
from jz3.tables.code_manifest import CodeManifest

CODE_STAGE = "code"
"""The stage that leaves the lists."""
LISTS = "data/code"
"""The folder of the lists."""

_CORE = """
account artifacts budget cache ending errors execution fan_in foreign frames matching params parent placing
progress remedies stage terminal thread_map whole_run
"""
_CALLS = """
asking batch_files batch_protocol batch_records batch_results batches calls endpoint guardian message_batches
outage outcomes pace received refusals secrets servers spending streaming transport
"""
EXEMPT = (
    "jz3/store/",
    "jz3/workers/",
    *(f"jz3/core/{name}.py" for name in _CORE.split()),
    *(f"jz3/generation/{name}.py" for name in _CALLS.split()),
)
"""Folders and modules that no stage depends on. Golden tests guard them: artifacts
(`tests/core/test_golden.py`), keys and rows of the store.
"""
PACKAGES = ("jz3", "stages")
TEMPLATES = "templates"
"""The folder of a package with the templates that its modules render."""
DIGEST_CHARACTERS = 32
"""Bytes of a digest: 128 bits, as for ids."""
WITHOUT_MEANING = frozenset({"ctx", "kind", "type_comment"})
"""Fields of a syntax tree that follow from the others or do nothing when the program runs."""


class CodeError(UserError):
    """A stage has no code, or a module is not valid Python."""


@dataclass
class Code:
    """The modules under a folder, each read once."""

    root: Path
    _read: dict[Path, "_Module"] = field(default_factory=dict[Path, "_Module"])

    def closure(self, stage: str) -> list[str]:
        """The sorted paths under `root` of a stage's code: its file and all modules of ours that it imports.

        Raises CodeError.
        """
        first = self.root / "stages" / f"{stage}.py"
        if not first.is_file():
            raise CodeError(f"dvc.yaml has the stage {stage}; {first} was expected to run it. Write it.")
        return self.imports_of(first)

    def imports_of(self, first: Path) -> list[str]:
        """The sorted paths under `root` of a file and all modules of ours that it imports, except EXEMPT
        ones.
        """
        waiting, seen = [first], set[Path]()
        while waiting:
            file = waiting.pop()
            if file not in seen:
                seen.add(file)
                waiting.extend(self._module(file).imports)
        templates = {path for file in seen for path in (file.parent / TEMPLATES).glob("*.*")}
        paths = (file.relative_to(self.root).as_posix() for file in seen | templates if file.stat().st_size)
        return sorted(path for path in paths if not path.startswith(EXEMPT))

    def digest(self, path: str) -> str:
        """The digest of a module's meaning, or of a template's bytes."""
        file = self.root / path
        return self._module(file).digest if file.suffix == ".py" else digest_of(file.read_bytes())

    def listed(self, files: Sequence[str]) -> str:
        """A line for each file: its path and digest."""
        return "".join(f"{path} {self.digest(path)}\n" for path in files)

    def list_of(self, stage: str) -> str:
        """The text on which a stage depends. Raises CodeError."""
        return self.listed(self.closure(stage))

    def _module(self, file: Path) -> "_Module":
        if file not in self._read:
            self._read[file] = _module(file, self.root)
        return self._read[file]


@dataclass
class _Module:
    source: str
    imports: tuple[Path, ...]

    @cached_property
    def digest(self) -> str:
        return digest_of(meaning(self.source).encode("utf-8", "surrogatepass"))


def write_lists(packages: Sequence[InFiles], lists: OutDir[CodeManifest]) -> None:
    """Write the list of each stage except `code`. Raises CodeError."""
    root = packages[0].path.parent
    code = Code(root)
    names = sorted(file.stem for file in (root / "stages").glob("[!_]*.py") if file.stem != CODE_STAGE)
    with lists.open() as directory:
        digests: dict[str, str] = {}
        for name in names:
            text = code.list_of(name)
            (directory / f"{name}.txt").write_text(text, encoding="utf-8")
            digests[name] = digest_of(text.encode())
        manifest = CodeManifest(code=digests)
        (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def is_code(path: str) -> bool:
    """Whether a dependency is code or a template, as opposed to data."""
    folders = (LISTS, *PACKAGES)
    return path.endswith(".py") or path in folders or path.startswith(tuple(f"{one}/" for one in folders))


def list_path(stage: str) -> str:
    """The path of a stage's list, by the name of its file in `stages/`."""
    return f"{LISTS}/{stage}.txt"


def read_list(text: str) -> dict[str, str]:
    """The digests of a list by path."""
    return dict(line.rsplit(" ", 1) for line in text.splitlines())


def meaning(source: str) -> str:
    """A module's meaning as one text: its syntax tree without docstrings. Raises SyntaxError."""
    tree = ast.parse(source)
    if "__doc__" not in source:
        for node in ast.walk(tree):
            for block in ("body", "orelse", "finalbody"):
                inside = getattr(node, block, None)
                if isinstance(inside, list):
                    setattr(node, block, [statement for statement in inside if not _is_text(statement)])  # pyright: ignore[reportUnknownVariableType]
    parts: list[str] = []
    _write(tree, parts)
    return "".join(parts)


def _write(value: Any, parts: list[str], *, of_f_string: bool = False) -> None:  # noqa: ANN401 (a node, a list, or what a field holds)
    """Write as `ast.dump` does, but without what only some versions of Python have (empty fields, empty texts
    in an f-string): the same module must have the same digest under each.
    """
    if isinstance(value, ast.AST):
        parts.append(f"{type(value).__name__}(")
        for name in value._fields:
            inside = getattr(value, name, None)
            if inside is not None and inside != [] and name not in WITHOUT_MEANING:
                parts.append(f"{name}=")
                _write(inside, parts, of_f_string=isinstance(value, ast.JoinedStr))
        parts.append(")")
    elif isinstance(value, list):
        parts.append("[")
        for one in value:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(one, ast.Constant) and one.value == "" and of_f_string:
                continue
            _write(one, parts)
            parts.append(",")
        parts.append("]")
    else:
        parts.append(f"{value!r},")


def _is_text(statement: object) -> bool:
    """Whether a statement is a bare string: a docstring, or the text under an attribute."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _module(file: Path, root: Path) -> _Module:
    source = file.read_text(encoding="utf-8")
    try:
        imports = tuple(path for name in _imported(source, file, root) for path in _files(name, root))
        return _Module(source, imports)
    except SyntaxError as error:
        raise CodeError(
            f"{file} is not valid Python: {error.msg} in line {error.lineno}; a module was expected. Fix it."
        ) from error


def digest_of(content: bytes) -> str:
    """128 bits of SHA-256, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()[:DIGEST_CHARACTERS]


def _imported(source: str, file: Path, root: Path) -> Iterator[str]:
    """Dotted names that a file imports or mentions anywhere; `from a import b` gives both a and a.b."""
    package = file.relative_to(root).parent.parts
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from _named(node.value, package)


def _named(text: str, package: tuple[str, ...]) -> Iterator[str]:
    """The module that a string names: `jz3.x.y` for `python -m`, `y.py` for a script beside the file."""
    if text.isidentifier() or not text.isascii():
        return
    if text.endswith(".py") and text.removesuffix(".py").isidentifier():
        yield ".".join([*package, text.removesuffix(".py")])
    elif all(part.isidentifier() for part in text.split(".")):
        yield text


def _files(name: str, root: Path) -> Iterator[Path]:
    """The files that run when a dotted name of ours is imported: its module, and packages below the top."""
    parts = name.split(".")
    if parts[0] not in PACKAGES:
        return
    for length in range(2, len(parts) + 1):
        path = root.joinpath(*parts[:length])
        for file in (path / "__init__.py", path.with_suffix(".py")):
            if file.is_file():
                yield file
