"""`jz3 curate FILE`: take the rows of a file of your own through the graph's curation.

The output folder holds

- `kept.jsonl` and `rejected.jsonl`: the rows with all their fields, rejected ones also with `jz3_rule` and
  `jz3_evidence`;
- `certificate/`: what was compared with which benchmark;
- `README.md`: a card;
- `manifest.json`: the counts.

The whole file is held in memory.
"""

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, OutDir
from jz3.core.errors import UserError
from jz3.public.curation import (
    decontamination,
    dedup_of,
    execute_of,
    filter_of,
    items_of,
    problems_of,
    shown,
)
from jz3.public.hub_files import BEGIN, hub_files
from jz3.public.own_rows import OwnRows, fields_of, ids_of, no_text, problem_of, read_own, solution_of
from jz3.raw.given import must_be_a_file, must_be_outside
from jz3.raw.lines import COMPRESSIONS
from jz3.raw.row import Row
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.ledger import Ledger

STEPS = ("execute", "filter", "dedup", "decontaminate")
"""The steps in the order of the graph: a row counts under the first that rejects it."""


class CurateManifest(BaseModel):
    """The counts of a curated file."""

    file: str
    problem: str
    solution: str | None
    steps: list[str]
    rows: Ledger
    benchmarks: list[str]


@dataclass(frozen=True)
class Wanted:
    """The steps to run and the fields to read; None means that the field is guessed."""

    steps: Sequence[str]
    problem: str | None = None
    solution: str | None = None
    against: Sequence[str] = ()
    """Files or data sets of benchmarks."""


def curate_file(file: str, out: Path, wanted: Wanted, say: Callable[[str], object]) -> CurateManifest:
    """Judge the rows of a file, or of a data set of the hub, and write the output folder.

    Raises UserError; a folder that holds anything else is left as it is.
    """
    place = OutDir(CurateManifest, out)
    place.must_be_free()
    read = _read(file, say)
    if not file.startswith(BEGIN):
        must_be_outside(Path(file), out)
    fields = fields_of(read.name, read.rows, wanted.problem, wanted.solution)
    problem, solution = fields.problem, fields.solution
    left_out = _left_out(wanted, solution)
    steps = [step for step in wanted.steps if step not in left_out]
    say(f"{read.name}: {len(read.rows)} rows; {fields.said(read.rows)}")
    for step, reason in left_out.items():
        say(f"left out: {step}, as {reason}")
    if not steps:
        raise UserError(
            f"{read.name} leaves nothing to do for {', '.join(wanted.steps)}; a field of solutions, such as "
            f"solution, response or answer, was expected. Name it with --solution."
        )
    names = ids_of(read.rows, say)
    table = problems_of(
        [problem_of(row, problem) for row in read.rows],
        [solution_of(row, solution) for row in read.rows] if solution else None,
        names,
    )
    unread = _unread(read.rows, names, problem, solution)
    if unread.height == len(read.rows):
        _, rule, name = unread.row(0)
        raise UserError(
            f"none of the {len(read.rows)} rows of {read.name} can be read ({rule} in `{name}`); a row for "
            f"each problem, with its text, was expected. Name the field with --problem or --solution, or "
            f"convert the file to JSON lines."
        )
    judged = table.join(unread, left_on="problem_id", right_on="row", how="anti", maintain_order="left")
    items = items_of(_benchmarks(wanted.against, say))
    for one in wanted.against:
        _must_be_apart(one, file, out)
    found = decontamination(judged, items) if "decontaminate" in steps else None
    verdicts = [unread, *verdicts_of(judged, steps)]
    if found is not None:
        verdicts.append(shown(found.verdicts))
    rejected = _first_rules(verdicts)
    kept = [row for row, name in zip(read.rows, names, strict=True) if name not in rejected]
    turned_away = [
        row | dict(zip(("jz3_rule", "jz3_evidence"), rejected[name], strict=True))
        for row, name in zip(read.rows, names, strict=True)
        if name in rejected
    ] + list(read.odd)
    rules = Counter(row["jz3_rule"] for row in turned_away)
    manifest = CurateManifest(
        file=read.name,
        problem=problem,
        solution=solution,
        steps=steps,
        rows=Ledger(
            read=len(read.rows) + len(read.odd),
            kept=len(kept),
            rejected=dict(sorted(rules.items())),
            failed=0,
        ),
        benchmarks=sorted(set(items["benchmark"])),
    )
    with place.open() as folder:
        _write(folder / "kept.jsonl", kept)
        _write(folder / "rejected.jsonl", turned_away)
        if found is not None:
            found.certify(read.name, OutDir(CertificateManifest, folder / "certificate"))
        (folder / "README.md").write_text(card(manifest), encoding="utf-8")
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return manifest


def verdicts_of(table: pl.DataFrame, steps: Sequence[str]) -> list[pl.DataFrame]:
    """Verdicts of each step on a table of Problem, except `decontaminate`: it also leaves a certificate."""
    found = [
        judge(table) for step, judge in (("execute", execute_of), ("filter", filter_of)) if step in steps
    ]
    return [*found, dedup_of(table, found)] if "dedup" in steps else found


def account(manifest: CurateManifest) -> str:
    """Lines for people: the rows read, kept, and rejected by each rule."""
    rows = manifest.rows
    lines = [f"read {rows.read}, kept {rows.kept}, rejected {rows.read - rows.kept}"]
    return "\n".join([*lines, *(f"  {rule:30} {count:8}" for rule, count in rows.rejected.items())])


def card(manifest: CurateManifest) -> str:
    """The text of the folder's README.md."""
    rules = "".join(f"| `{rule}` | {count} |\n" for rule, count in manifest.rows.rejected.items())
    checked = ", ".join(manifest.benchmarks) or "no benchmark"
    return (
        "---\nconfigs:\n- config_name: default\n  data_files: kept.jsonl\n---\n\n"
        f"# {manifest.file}, curated\n\n"
        f"{manifest.rows.kept} of {manifest.rows.read} rows of `{manifest.file}` "
        f"(problem from `{manifest.problem}`, solution from `{manifest.solution}`), after "
        f"{', '.join(manifest.steps)} of jz3. Compared with {checked}.\n\n"
        f"| rejected by | rows |\n|---|---|\n{rules}"
    )


def _left_out(wanted: Wanted, solution: str | None) -> dict[str, str]:
    """The steps that are skipped because they have nothing to work on, with the reason."""
    unsolved = [] if solution else ["execute", "filter"]
    reasons = dict.fromkeys(unsolved, "no field holds solutions (--solution)")
    if not wanted.against:
        reasons["decontaminate"] = "no benchmark is named (--against)"
    return {step: reasons[step] for step in wanted.steps if step in reasons}


def _read(file: str, say: Callable[[str], object]) -> OwnRows:
    if file.startswith(BEGIN):
        found = hub_files(file)
        names = ", ".join(path.relative_to(found.root).as_posix() for path in found.files)
        say(f"{found.address}: {names}")
        return read_own(found.files, found.root, found.address)
    path = Path(file)
    must_be_a_file(path, f"a file of rows, or a data set of the hub ({BEGIN}OWNER/NAME),")
    return read_own([path], path.parent, path.name)


def _unread(rows: Sequence[Row], names: Sequence[str], problem: str, solution: str | None) -> pl.DataFrame:
    """Verdicts on rows that have no problem, or something other than a text in its place."""
    found: list[tuple[str, str, str]] = []
    for row, name in zip(rows, names, strict=True):
        odd = next((one for one in (problem, solution) if one and no_text(row, one)), None)
        if odd is not None:
            found.append((name, "read.not_text", odd))
        elif not (problem_of(row, problem) or "").strip():
            found.append((name, "read.no_text", problem))
    return pl.DataFrame(found, schema=dict.fromkeys(("row", "rule", "evidence"), pl.String), orient="row")


def _benchmarks(files: Sequence[str], say: Callable[[str], object]) -> dict[str, list[str]]:
    """Questions by benchmark; files that give the same name are parts of one."""
    found: dict[str, list[str]] = {}
    for file in files:
        name, questions = _benchmark(file, say)
        found[name] = found.get(name, []) + questions
    return found


def _benchmark(file: str, say: Callable[[str], object]) -> tuple[str, list[str]]:
    """The benchmark's name and questions; `gsm8k/test.jsonl` and a data set called gsm8k both give gsm8k."""
    read = _read(file, say)
    field = fields_of(file, read.rows, None, None, "Rename the field of its questions to `question`.").problem
    questions = [text for row in read.rows if (text := problem_of(row, field))]
    if not questions:
        raise UserError(
            f"{file} has no text in any `{field}`; the questions of a benchmark were expected there. Give "
            f"another file."
        )
    without = len(read.rows) + len(read.odd) - len(questions)
    if without:
        say(f"{file}: {without} of its rows have no question in `{field}` and are compared with nothing")
    return _name_of(file), questions


def _must_be_apart(benchmark: str, file: str, out: Path) -> None:
    """Raise UserError if a benchmark would be replaced by the output, or is the file that is curated: then
    each row repeats an item, which is itself.
    """
    here = not benchmark.startswith(BEGIN)
    if here:
        must_be_outside(Path(benchmark), out)
    if benchmark == file or (here and not file.startswith(BEGIN) and Path(benchmark).samefile(file)):
        raise UserError(
            f"{benchmark} is the file itself; the items of a benchmark were expected. Give them to --against."
        )


def _name_of(file: str) -> str:
    if file.startswith(BEGIN):
        return file.removeprefix(BEGIN).split("/")[1].partition("@")[0]
    path = Path(file)
    plain = path.with_suffix("") if path.suffix.lower() in COMPRESSIONS else path
    return plain.parent.name if plain.stem in ("test", "train", "validation") else plain.stem


def _first_rules(verdicts: Sequence[pl.DataFrame]) -> dict[str, tuple[str, str]]:
    rules: dict[str, tuple[str, str]] = {}
    for table in verdicts:
        for name, rule, evidence in table.filter(pl.col("rule").is_not_null()).iter_rows():
            rules.setdefault(name, (rule, evidence))
    return rules


def _write(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(f"{_json(row)}\n" for row in rows), encoding="utf-8")


def _json(row: Row) -> str:
    """A line; what JSON has no number for is null, as other readers end at a bare NaN."""
    try:
        return json.dumps(row, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(row), ensure_ascii=False, default=str, allow_nan=False)


def _finite(value: object) -> object:
    match value:
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {key: _finite(held) for key, held in cast("Row", value).items()}
        case list():
            return [_finite(held) for held in cast("list[object]", value)]
        case _:
            return value
