"""The figures of a run that pages of docs/ show: `python -m tests.run_figures` writes them again.

A page has each between `<!-- run: NAME -->` and `<!-- end -->`. `test_readme.py` compares them with the run.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import polars as pl

ROOT = Path(__file__).parents[1]
TRACED = re.compile(r"(?<=jz3 trace )[0-9a-f]{8}\b")
LEDGER = (
    "parse@corpus", "decontaminate@jiuzhang", "execute@jiuzhang", "filter@jiuzhang", "dedup@jiuzhang",
    "mix@jiuzhang", "audit", "card",
)  # fmt: skip
TASKS = ("chain_sum_prose", "held_out_prose", "held_out_tool")
WIDEST = 120
RULES = (
    ("execute.dropped_remainder", "tool"),
    ("filter.miscopied_number", "tool"),
    ("filter.false_step", "cot"),
)


def metrics(stage: str) -> dict:
    return json.loads((ROOT / "data/metrics" / f"{stage.replace('@', '/')}.json").read_text())


def jz3(*arguments: object) -> str:
    command = [sys.executable, "-m", "jz3", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def fenced(text: str, language: str = "text") -> str:
    return f"```{language}\n{text}\n```"


def table(head: list[str], rows: list[list[str]], *, right: int = 0) -> str:
    """A table of a page; the last `right` columns are figures."""
    rule = ["---"] * (len(head) - right) + ["---:"] * right
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, rule, *rows))


def parsed() -> str:
    rows = metrics("parse@corpus")["rows"]
    lost = ", ".join(f"`{rule}` {count}" for rule, count in rows["rejected"].items())
    return f"Of {rows['read']:,} completions {rows['kept']:,} are problems; rejected are {lost}."


def ledger() -> str:
    lines = jz3("ledger").splitlines()
    return fenced("\n".join(_cut(line) for line in lines if line.split()[0] in ("stage", *LEDGER)))


def _cut(line: str) -> str:
    """Cut a list of rules to what a line of the page has room for."""
    return line if len(line) <= WIDEST else f"{line[:WIDEST].rpartition(',')[0]}, …"


def reads_of_dedup() -> str:
    execute, form, dedup, mix = (
        metrics(f"{stage}@jiuzhang")["rows"] for stage in ("execute", "filter", "dedup", "mix")
    )
    lost = [sum(one["rejected"].values()) for one in (execute, form)]
    both = dedup["read"] - execute["read"] + sum(lost)
    return (
        f"`dedup` reads the rows that both `execute` and `filter` kept ({execute['read']} - {lost[0]} - "
        f"{lost[1]} + {both}: both reject {both} rows). `mix`\nreads all problems and the instruction rows ("
        f"{execute['read']} + {mix['read'] - execute['read']}), and counts a row under the first rule that "
        f"rejects it."
    )


def certificate() -> str:
    found = json.loads((ROOT / "data/certificates/jiuzhang/manifest.json").read_text())
    (held,) = [one for one in found["benchmarks"] if one["benchmark"] == "held_out"]
    method = ", ".join(f'"{name}": {value}' for name, value in list(found["method"].items())[:4])
    return fenced(
        f'"certified": "jiuzhang", "certified_digest": "{found["certified_digest"]}", '
        f'"rows": {found["rows"]},\n'
        f'"method": {{{method}, …}},\n'
        f'"benchmarks": [{{"benchmark": "held_out", "revision": "{held["revision"]}", '
        f'"items": {held["items"]},\n'
        f'  "items_digest": "{held["items_digest"]}", "hit_items": {held["hit_items"]},\n'
        f'  "hits_by_class": {json.dumps(held["hits_by_class"])}}}, …]'
    )


def audited() -> str:
    sets = metrics("audit")["sets"]
    passages, initial, boosted = (sets[name] for name in ("passages", "kd_initial", "kd_boosted"))
    return (
        f"In the embedded run {passages['hit_rows'] or 'none'} of {passages['rows']:,} passages repeat an "
        f"item; {initial['hit_rows']} of {initial['rows']:,} and {boosted['hit_rows']} of "
        f"{boosted['rows']:,}\nKD problems do, because the problem writer draws "
        f"the items from families with the same words."
    )


def checked() -> pl.DataFrame:
    return pl.read_parquet(ROOT / "data/checked/jiuzhang.parquet").with_columns(
        pl.col("right").fill_null(value=False)
    )


def shares() -> str:
    """Right rows before and after curation, and by the rules that reject wrong ones."""
    rows = checked()
    mixed = pl.read_parquet(ROOT / "data/mix/jiuzhang/*.parquet", columns=["row_id", "part"])
    kept = rows.join(mixed, left_on="problem_id", right_on="row_id", how="semi")
    verdicts = pl.concat(
        pl.read_parquet(ROOT / f"data/verdicts/{stage}/jiuzhang.parquet").with_columns(
            pl.col("rule").cast(pl.String)
        )
        for stage in ("execute", "filter")
    ).filter(pl.col("rule").is_in([rule for rule, _ in RULES]))
    taken = rows.join(verdicts, left_on="problem_id", right_on="row_id")

    def share(of: pl.DataFrame) -> str:
        return f"{100 * of['right'].mean():.1f} % of {of.height:,}"

    first = []
    for kind in ("tool", "cot"):
        of_kind, right = rows.filter(kind=kind), rows.filter(kind=kind, right=True)
        lost = taken.filter(kind=kind, right=True)["problem_id"].n_unique()
        first.append([kind, share(of_kind), share(kept.filter(kind=kind)), f"{lost:,} of {right.height:,}"])
    second = []
    for rule, kind in RULES:
        by, wrong = taken.filter(rule=rule, kind=kind), rows.filter(kind=kind, right=False)
        wrong_by = by.filter(right=False).height
        second.append(
            [
                f"`{rule}`",
                kind,
                f"{by.height:,}",
                f"{100 * wrong_by / by.height:.1f} %",
                f"{100 * wrong_by / wrong.height:.1f} %",
            ]
        )
    return (
        table(
            [
                "kind",
                "right of all problems",
                "right of those in the training set",
                "right rows that the three rules take",
            ],
            first,
        )
        + "\n\n"
        + table(["rule", "kind", "rows it takes", "of these wrong", "of all wrong rows"], second, right=3)
    )


def loaded() -> str:
    columns = pl.read_parquet_schema(next((ROOT / "data/mix/jiuzhang").glob("*.parquet")))
    rows = pl.scan_parquet(ROOT / "data/mix/jiuzhang/*.parquet").select(pl.len()).collect().item()
    return fenced(
        '>>> datasets.load_dataset("data/mix")\nDatasetDict({\n    train: Dataset({\n'
        f"        features: {list(columns)},\n        num_rows: {rows}\n    }})\n}})"
    )


def origins() -> str:
    card = (ROOT / "data/mix/README.md").read_text()
    lines = card[card.index("| set | source | origin | licence") :].split("\n\n")[0].splitlines()
    return "\n".join(
        line
        for line in lines
        if not line.startswith("| ")
        or "| docstrings |" in line
        or "| set |" in line
        or "| --- |" in line
        or "| textbooks |" in line
    )


def lm_eval() -> str:
    with tempfile.TemporaryDirectory() as folder:
        jz3("lm-eval", "jiuzhang", folder)
        (file,) = Path(folder).glob("jiuzhang/results_*.json")
        found = json.loads(file.read_text())
    rows = []
    for task in TASKS:
        for name in ("flexible-extract", "strict-match"):
            first = name == "flexible-extract"
            value, error = (
                found["results"][task][f"{one},{name}"] for one in ("exact_match", "exact_match_stderr")
            )
            rows.append(
                [
                    task if first else "",
                    str(found["versions"][task]) if first else "",
                    name,
                    f"{value:.4f}",
                    f"{error:.4f}",
                ]
            )
    return table(["Tasks", "Version", "Filter", "exact_match", "Stderr"], rows, right=2)


def exported() -> str:
    with tempfile.TemporaryDirectory() as folder:
        said = jz3("export", "verl", "-o", f"{folder}/verl")
        rows = pl.read_parquet(f"{folder}/verl/*.parquet").unnest("extra_info")
    lines = [line for line in said.splitlines() if not line.startswith(folder)]
    judged = rows.filter(pl.col("recipe") == "jiuzhang").join(checked(), left_on="id", right_on="problem_id")
    right = {
        by: f"{of['right'].sum():,} of {of.height:,}"
        for by in ("program", "box")
        for of in [judged.filter(pl.col("answer_from") == by)]
    }
    return (
        fenced("\n".join(["$ jz3 export verl -o verl", *lines, "verl"]), "console")
        + "\n\nVerifiable does not mean right: of the recipe's rows here the problem writer's checker finds "
        + f"{right['program']} right\nif a program printed the answer, "
        + f"and {right['box']} if only a box states it."
    )


SHOWN = (
    "Averages", "Benchmarks", "Macro over families, by what the data hold of them",
    "By what the data hold of the family",
)  # fmt: skip
ROWS = {
    "ingest@docstrings": "sections",
    "distill@initial": "prompts",
    "select@boosted": "prompts",
    "distill@boosted": "prompts",
    "parse@corpus": "completions",
    "execute@jiuzhang": "problems",
    "filter@jiuzhang": "problems",
    "dedup@jiuzhang": "problems",
    "decontaminate@jiuzhang": "problems",
    "mix@jiuzhang": "problems and instruction rows",
}
"""Stages shown in the README, and what their rows are."""
MOST_RULES = 4


def sections(page: str) -> dict[str, str]:
    """The text under each heading of a page in Markdown."""
    parts = re.split(r"^## (.*)\n+", page, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], (text.strip() for text in parts[1::2]), strict=True))


def tables_of(page: str) -> str:
    """Averages and whole benchmarks; by what the data hold, only the forward items."""
    found = sections(page)
    first, second, *by_group = (found[title] for title in SHOWN)
    forward = [
        "\n".join(line for line in text.splitlines() if not re.match(r"\| (backward|composed)", line))
        for text in by_group
    ]
    return "\n\n".join((first, second, *forward))


def scores() -> str:
    return tables_of((ROOT / "data/tables/pages/summary.md").read_text())


def test_scores() -> str:
    page = (ROOT / "data/tables/test.md").read_text()
    (lead,) = re.findall(
        r"^\| held_out_test \| all \| both \| jiuzhang \| instruct_only \| \d+ \| (\S+) \| (\S+) \| (\S+) \|",
        page,
        re.MULTILINE,
    )
    return (
        f"On second draws, on which no choice was based, `jiuzhang` is {lead[0]} points ahead (95 % "
        f"interval {lead[1]} to {lead[2]},\nover families) in the macro average of all families, prose and "
        f"tool together:"
        f"\n\n{tables_of(page)}"
    )


def right_rows() -> str:
    found = metrics("correctness@jiuzhang")
    share = {kind: f"{found[f'{kind}_correct']} of {found[f'{kind}_problems']}" for kind in ("tool", "prose")}
    per_cent = {
        kind: f"{100 * found[f'{kind}_correct'] / found[f'{kind}_problems']:.1f}"
        for kind in ("tool", "prose")
    }
    rows = checked()
    mixed = pl.read_parquet(ROOT / "data/mix/jiuzhang/*.parquet", columns=["row_id"])
    kept = rows.join(mixed, left_on="problem_id", right_on="row_id", how="semi")
    after = {kind: f"{100 * kept.filter(kind=kind)['right'].mean():.1f}" for kind in ("tool", "cot")}
    prose = kept.filter(kind="cot").height
    return (
        f"Before curation, {share['tool']} tool problems of the synthesis model ({per_cent['tool']} %) are "
        f"right when their programs\nare run against the family's own checker, and {share['prose']} in prose "
        f"({per_cent['prose']} %). In the training set the shares are\n{after['tool']} % and "
        f"{after['cot']} %: rules that do not see the checker drop most wrong rows, and nearly all prose "
        f"with them\n({prose} rows are left)."
    )


def rows_of_stages() -> str:
    shown = []
    for stage, what in ROWS.items():
        rows = metrics(stage)["rows"]
        by_rule = sorted(rows["rejected"].items(), key=lambda rule: (-rule[1], rule[0]))
        said = ", ".join(f"{rule} {count}" for rule, count in by_rule[:MOST_RULES])
        shown.append([f"`{stage}`", what, str(rows["read"]), str(rows["kept"]), said])
    return table(["stage", "rows are", "read", "kept", "rejected, by the most frequent rules"], shown)


FIGURES: dict[str, Callable[[], str]] = {
    "scores": scores,
    "test-scores": test_scores,
    "right-rows": right_rows,
    "rows": rows_of_stages,
    "parsed": parsed,
    "ledger": ledger,
    "reads-of-dedup": reads_of_dedup,
    "certificate": certificate,
    "audited": audited,
    "shares": shares,
    "loaded": loaded,
    "origins": origins,
    "lm-eval": lm_eval,
    "exported": exported,
}


def traced() -> str:
    """The first problem of the initial KD set, as the README and the command's help name it.

    The problem writer wrote it: it is the same on any processor.
    """
    first = (
        pl.scan_parquet(ROOT / "data/kd/initial.parquet").select(pl.col("problem_id").min()).collect().item()
    )
    return first[:8]


def with_blocks(page: str, of: str, figures: Mapping[str, Callable[[], str]]) -> str:
    """The page with each block `<!-- OF: NAME -->` written again."""
    block = re.compile(rf"(<!-- {of}: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return block.sub(lambda found: f"{found[1]}{figures[found[2]]()}\n{found[3]}", page)


def renewed(page: str) -> str:
    """The page with the figures of the run in this clone."""
    return with_blocks(page, "run", FIGURES)


def main() -> None:
    of_code = (ROOT / "AGENTS.md", ROOT / "jz3/cli/graph.py")
    pages = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *of_code)
    problem = traced()
    for path in pages:
        page = path.read_text()
        if (new := TRACED.sub(problem, renewed(page))) != page:
            path.write_text(new)
            print(f"renewed {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
