"""A user's project: problems from the user's own texts, by a graph of five of jz3's stages in a folder.

`params.yaml` says what is made, `execution.yaml` how it runs, and `prompts/` holds the templates. From then
on these files are the user's; only what an order names is changed in them. `code.yaml` has a digest of the
code behind each stage, so that after a new version of jz3 only the stages with changed code run again.
"""

import glob
import os
import re
import shlex
import shutil
import string
import textwrap
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import yaml
from ruamel.yaml import YAML

from jz3.core.errors import UserError
from jz3.core.placing import full_disk_said, is_within, make_folder, placed_file
from jz3.graph.code import Code, digest_of
from jz3.public.curation import SETTINGS
from jz3.raw.given import must_be_a_file
from jz3.tables.words import LEVEL_NAME, in_order
from jz3.teacher.declaration import Provider

TEMPLATE = Path(__file__).with_name("template")
"""The template of a project. Its graph is called dvc.yaml.in, because DVC reads every dvc.yaml of a clone."""
CODE = Path(__file__).parents[2]
"""The folder that holds the packages `jz3` and `stages`."""
STAGES = ("ingest", "sample", "compose", "distill")
CURATE = CODE / "jz3/public/curate_file.py"
PAID = {"concurrency": 64, "requests_per_minute": 150, "tokens_per_minute": 2_000_000, "timeout_s": 180.0}
"""How an endpoint is asked (150: released code; the rest as in the profile `single_gpu`)."""

TEACHER = "distill.teachers.teacher"
"""The teacher, in params.yaml, with which a project starts."""


@dataclass(frozen=True)
class Order:
    """What the user wants; None keeps what the project's files say."""

    problems: int | None = None
    levels: Sequence[str] = ()
    provider: str | None = None
    model: str | None = None


def is_project(folder: Path) -> bool:
    """Whether `start` made a folder."""
    return all((folder / name).is_file() for name in ("dvc.yaml", "code.yaml", "params.yaml"))


def start(folder: Path, corpus: Path, against: Sequence[Path]) -> None:
    """Write the files of a project into a folder that is empty or does not exist. Raises UserError."""
    for path in (corpus, *against):
        if not path.exists():
            raise UserError(f"{path} does not exist; texts were expected there. Give another path.")
        if "${" in path.name or not path.name.isprintable():
            raise UserError(
                f"{str(path)!r} has a name that no dvc.yaml can hold; one without line breaks and ${{ was "
                f"expected. Rename it."
            )
    if corpus.is_dir() and not any(path.is_file() for path in corpus.rglob("*")):
        raise UserError(f"{corpus} holds no file; texts were expected in it. Give another folder.")
    for path in against:
        must_be_a_file(path, "a file with the items of a benchmark")
    if is_within(folder, corpus):
        raise UserError(
            f"{folder} is inside {corpus}, whose files are the texts; a folder outside of it was expected. "
            f"Give another path, or a folder with the texts alone."
        )
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder} is not empty; a new folder was expected. Give another path.")
    code = _code()  # takes a second; the files are there at once, so that Ctrl-C leaves all or none
    with removed_unless_whole(folder):
        _write_files(folder, corpus, against)
        _write_code(folder, code)


def _write_files(folder: Path, corpus: Path, against: Sequence[Path]) -> None:
    shutil.copytree(TEMPLATE / "prompts", folder / "prompts")
    (folder / "execution.yaml").write_text(_execution())
    (folder / "params.yaml").write_text((TEMPLATE / "params.yaml").read_text())
    _change(
        folder / "params.yaml",
        {"ingest.format.files": ["**/*"] if corpus.is_dir() else [glob.escape(corpus.name)]},
    )
    outside = [os.path.relpath(path, folder) for path in against]
    (folder / "dvc.yaml").write_text(
        string.Template((TEMPLATE / "dvc.yaml.in").read_text()).substitute(
            corpus=_as_yaml(os.path.relpath(corpus, folder)),
            raw=shlex.quote(os.path.relpath(corpus if corpus.is_dir() else corpus.parent, folder)),
            against="".join(f"\n      --against {shlex.quote(path)}" for path in outside),
            benchmarks="".join(f"\n      - {_as_yaml(path)}" for path in outside),
        )
    )


@contextmanager
def removed_unless_whole(folder: Path) -> Generator[None]:
    """Make a folder, or take an empty one, and leave it as it was if the block does not end: half of a
    project would be taken for the user's own files.
    """
    there = folder.is_dir()
    make_folder(folder)
    try:
        with full_disk_said(folder, folder):
            yield
    except BaseException:
        for path in folder.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if not there:
            folder.rmdir()
        raise


def _as_yaml(text: str) -> str:
    """A text as an entry of a list, quoted where it must be."""
    entry = yaml.safe_dump([text], allow_unicode=True, width=10_000)
    return entry.removeprefix("- ").rstrip("\n")


def check_corpus(folder: Path, corpus: Path) -> None:
    """Raise UserError if a project is made from other texts."""
    document: Any = yaml.safe_load((folder / "dvc.yaml").read_text())
    texts = folder / document["stages"]["ingest"]["deps"][0]
    if texts.resolve() != corpus.resolve():
        raise UserError(
            f"{folder} is a project of {texts}; {corpus} was expected to be the same. Name another folder "
            f"with --out for other texts."
        )


def check_benchmarks(folder: Path, against: Sequence[Path]) -> None:
    """Raise UserError if a project does not compare with these files; none stand for its own."""
    document: Any = yaml.safe_load((folder / "dvc.yaml").read_text())
    own = [folder / name for name in document["stages"]["curate"]["deps"][1:]]
    if against and {path.resolve() for path in against} != {path.resolve() for path in own}:
        raise UserError(
            f"{folder} is a project that compares with {', '.join(map(str, own)) or 'no benchmark'}; the "
            f"same --against as at its beginning, or none, was expected. Add files to the stage `curate` "
            f"in {folder}/dvc.yaml."
        )


def settle(folder: Path, order: Order) -> None:
    """Write what an order names into the project's files. Raises UserError for a level without template."""
    changes: dict[str, object] = {}
    if order.problems is not None:
        changes["sample.quotas.texts.initial"] = order.problems
    for level in order.levels:
        _must_have_template(folder, level)
    if order.levels:
        changes["compose.levels"] = list(dict.fromkeys(order.levels))
    if order.provider is not None:
        if order.provider not in get_args(Provider):
            raise UserError(
                f"'{order.provider}' is not a provider; one of {', '.join(get_args(Provider))} was expected."
            )
        changes[f"{TEACHER}.provider"] = order.provider
        if order.provider != "writer":
            _change(folder / "execution.yaml", PAID)
    if order.model is not None:
        changes[f"{TEACHER}.model"] = order.model
    _change(folder / "params.yaml", changes)


def _must_have_template(folder: Path, level: str) -> None:
    if not re.match(LEVEL_NAME, level):
        raise UserError(f"'{level}' names no level; a word of small letters, digits, - and _ was expected.")
    template = folder / f"prompts/full/cot/{level}.md"
    if not template.is_file():
        others = in_order(file.stem for file in template.parent.glob("*.md"))
        raise UserError(
            f"'{level}' is not a level of {folder}; one of {', '.join(others)} was expected. A level of your "
            f"own is a template: write {template}, after one of theirs."
        )


def write_code(folder: Path) -> None:
    """Write the digest of the code behind each stage."""
    _write_code(folder, _code())


def _code() -> dict[str, str]:
    code = Code(CODE)
    lists = {stage: code.list_of(stage) for stage in STAGES}
    lists["curate"] = code.listed([*code.imports_of(CURATE), SETTINGS.relative_to(CODE).as_posix()])
    return {stage: digest_of(text.encode()) for stage, text in lists.items()}


def _write_code(folder: Path, digests: Mapping[str, str]) -> None:
    with placed_file(folder / "code.yaml", lambda _: None) as part:
        part.write_text(
            "# Of jz3's code behind each stage, written by `jz3 write`.\n" + yaml.safe_dump(digests)
        )


def _execution() -> str:
    """The section `execution` of the package's settings, as a file of its own."""
    _, _, rest = SETTINGS.read_text().partition("\nexecution:\n")
    lines = rest.splitlines()
    end = next((i for i, line in enumerate(lines) if line and not line.startswith(" ")), len(lines))
    return (
        "# How the stages run, as against what they make: changing it runs nothing again. Limits, prices\n"
        "# and a cap (`budget_usd`) for a teacher that is paid stand here.\n\n"
        + textwrap.dedent("\n".join(lines[:end]))
        + "\n"
    )


def _change(file: Path, changes: Mapping[str, object]) -> None:
    """Set values by dotted name; comments and order of the rest are kept."""
    editor = YAML()
    editor.width = 120
    document: Any = editor.load(file)
    for name, value in changes.items():
        *above, last = name.split(".")
        place = document
        for part in above:
            place = place[part]
        place[last] = value
    with placed_file(file, lambda _: None) as part:
        editor.dump(document, part)
