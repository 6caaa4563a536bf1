"""`jz3 curate FILE`: rows of a file of your own through the graph's curation, and what came of each.

A folder is left: `kept.jsonl` and `rejected.jsonl` have the rows with all their fields (rejected ones with
`jz3_rule` and `jz3_evidence` too), `certificate/` says what was compared with which benchmark, `README.md`
is a card, `manifest.json` the account. Memory holds the file.
"""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from jz3.raw.files import read_rows
from jz3.raw.names import must_be_utf8
from jz3.raw.row import Odd, Row
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.ledger import Ledger

PROBLEM = ("problem", "question", "Question", "prompt", "input", "instruction", "query")
"""Names of the field of the problem, the surest first."""
SOLUTION = ("solution", "response", "output", "completion", "answer")
"""Names of the field of the solution, the surest first."""
IDS = ("problem_id", "id", "unique_id", "question_id")
STEPS = ("execute", "filter", "dedup", "decontaminate")
"""In the order of the graph: the first that rejects a row counts."""


class CurateManifest(BaseModel):
    """The account of a curated file."""

    file: str
    problem: str
    solution: str | None
    steps: list[str]
    rows: Ledger
    benchmarks: list[str]


@dataclass(frozen=True)
class Wanted:
    """What is done with which fields; None is guessed."""

    steps: Sequence[str]
    problem: str | None = None
    solution: str | None = None
    against: Sequence[Path] = ()


@dataclass(frozen=True)
class _Rows:
    rows: list[Row]
    odd: list[Row]
    """What is no row: `place`, `text`, `jz3_rule` and `jz3_evidence`."""


def curate_file(file: Path, out: Path, wanted: Wanted, say: Callable[[str], object]) -> CurateManifest:
    """Judge the rows and leave the folder. Raises UserError; a folder of others is left as it is."""
    place = OutDir(CurateManifest, out)
    place.must_be_free()
    read = _read(file)
    problem, solution = _fields(file, read.rows, wanted)
    left_out = _left_out(wanted, solution)
    steps = [step for step in wanted.steps if step not in left_out]
    say(f"{file}: {len(read.rows)} rows; problem from `{problem}`, solution from `{solution or 'no field'}`")
    for step, reason in left_out.items():
        say(f"left out: {step}, as {reason}")
    if not steps:
        raise UserError(
            f"{file} gives {', '.join(wanted.steps)} nothing to do; a field of solutions, or benchmarks, "
            f"were expected. Name them with --solution and --against."
        )
    names = _ids(read.rows, say)
    table = problems_of(
        [_text(row, problem) for row in read.rows],
        [_text(row, solution) for row in read.rows] if solution else None,
        names,
    )
    empty = table.filter(pl.col("problem") == "").select(
        row="problem_id", rule=pl.lit("read.no_text"), evidence=pl.lit(problem)
    )
    judged = table.filter(pl.col("problem") != "")
    items = items_of(dict(_benchmark(path) for path in wanted.against))
    found = decontamination(judged, items) if "decontaminate" in steps else None
    verdicts = [empty, *verdicts_of(judged, steps)]
    if found is not None:
        verdicts.append(shown(found.verdicts))
    rejected = _first_rules(verdicts)
    kept = [row for row, name in zip(read.rows, names, strict=True) if name not in rejected]
    turned_away = [
        row | dict(zip(("jz3_rule", "jz3_evidence"), rejected[name], strict=True))
        for row, name in zip(read.rows, names, strict=True)
        if name in rejected
    ] + read.odd
    rules = Counter(row["jz3_rule"] for row in turned_away)
    manifest = CurateManifest(
        file=file.name,
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
            found.certify(file.name, OutDir(CertificateManifest, folder / "certificate"))
        (folder / "README.md").write_text(card(manifest), encoding="utf-8")
        (folder / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
    return manifest


def verdicts_of(table: pl.DataFrame, steps: Sequence[str]) -> list[pl.DataFrame]:
    """Verdicts of each step on a table of Problem. `decontaminate` is not among them: it also leaves a
    certificate.
    """
    found = [
        judge(table) for step, judge in (("execute", execute_of), ("filter", filter_of)) if step in steps
    ]
    return [*found, dedup_of(table, found)] if "dedup" in steps else found


def account(manifest: CurateManifest) -> str:
    """Lines for people: what was read, kept and rejected by which rule."""
    rows = manifest.rows
    lines = [f"read {rows.read}, kept {rows.kept}, rejected {rows.read - rows.kept}"]
    return "\n".join([*lines, *(f"  {rule:30} {count:8}" for rule, count in rows.rejected.items())])


def card(manifest: CurateManifest) -> str:
    """README.md of the folder."""
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
    """The steps that have nothing to work on, with the reason."""
    unsolved = [] if solution else ["execute", "filter"]
    reasons = dict.fromkeys(unsolved, "no field holds solutions (--solution)")
    if not wanted.against:
        reasons["decontaminate"] = "no benchmark is named (--against)"
    return {step: reasons[step] for step in wanted.steps if step in reasons}


def _read(file: Path) -> _Rows:
    if not file.is_file():
        raise UserError(f"{file}: No such file; a file of rows was expected. Check the path.")
    must_be_utf8(file, [str(file)])
    rows: list[Row] = []
    odd: list[Row] = []
    for _, (place, found) in read_rows([file], file.parent):
        if isinstance(found, Odd):
            odd.append(
                {
                    "place": place,
                    "text": found.text,
                    "jz3_rule": f"read.{found.rule}",
                    "jz3_evidence": found.reason,
                }
            )
        else:
            rows.append(found)
    if not rows:
        raise UserError(f"{file} holds no rows; at least one was expected. Give another file.")
    return _Rows(rows, odd)


def _fields(file: Path, rows: Sequence[Row], wanted: Wanted) -> tuple[str, str | None]:
    names = list(dict.fromkeys(name for row in rows[:1000] for name in row))
    must_be_utf8(file, names)
    for given in (wanted.problem, wanted.solution):
        if given is not None and given not in names:
            raise UserError(f"{file} has no field `{given}`; it has {', '.join(names)}. Give one of these.")
    problem = wanted.problem or next((name for name in PROBLEM if name in names), None)
    if problem is None:
        raise UserError(
            f"{file} has no field of problems; one such as problem or question was expected, found "
            f"{', '.join(names)}. Name it with --problem."
        )
    others = (name for name in SOLUTION if name in names and name != problem)
    return problem, wanted.solution or next(others, None)


def _ids(rows: Sequence[Row], say: Callable[[str], object]) -> list[str]:
    """Ids of the rows where each has one of its own, else their numbers."""
    for name in IDS:
        found = [str(row[name]) for row in rows if row.get(name) is not None]
        if len(set(found)) == len(rows):
            say(f"ids from `{name}`")
            return found
    say("ids are the numbers of the rows, from 0")
    return [str(number) for number in range(len(rows))]


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _benchmark(path: Path) -> tuple[str, list[str]]:
    """Name and questions; `gsm8k/test.jsonl` is gsm8k."""
    rows = _read(path).rows
    field, _ = _fields(path, rows, Wanted(()))
    name = path.parent.name if path.stem in ("test", "train", "validation") else path.stem
    return name, [text for row in rows if (text := _text(row, field))]


def _first_rules(verdicts: Sequence[pl.DataFrame]) -> dict[str, tuple[str, str]]:
    rules: dict[str, tuple[str, str]] = {}
    for table in verdicts:
        for name, rule, evidence in table.filter(pl.col("rule").is_not_null()).iter_rows():
            rules.setdefault(name, (rule, evidence))
    return rules


def _write(path: Path, rows: Sequence[Row]) -> None:
    lines = (json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")
