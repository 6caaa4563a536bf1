"""The data behind each model of the comparison: its rows, its budgets, and what confirms its answers.

An arm is a training set; the models trained on it differ only in their training seeds. An arm pays for
everything that teachers answered on the way to its problems, including helpers and rejected answers: the
answers of all stages upstream of its training set that ask a teacher. An answer used by two sets counts once.
A set without any row of its recipe pays nothing for it. Costs a read of the sets' questions, and two seconds
per arm.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import polars as pl
import polars.selectors as cs

from jz3.core.artifacts import In, InFiles
from jz3.core.fan_in import InTables
from jz3.core.graph_file import Graph, Stage, read_graph
from jz3.evaluation.coverage import NOTHING, SEEDS, TEXTS
from jz3.evaluation.diversity import mean_distance, mean_gain
from jz3.evaluation.tabulate import ALL, OfFamilies
from jz3.tables.arm import Arm
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.lineage import Lineage
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.tables.training_row import TrainingRow

MOST_PASSES = 4.0
"""Passes over a set; up to four are nearly as good as new rows (Muennighoff et al. 2023)."""
ASKING = ("distill", "augment", "skills", "solve")
"""Stages that may ask a teacher."""
WRITING = ("synthesize", "solve")
"""Stages in which a model of the run may write."""
GROUP_COLUMNS = {"seeds_and_texts": SEEDS, "texts_alone": TEXTS, "no_data": NOTHING}
"""Columns of Arm with macro averages, and the group of families that each covers."""
CONFIRMATIONS = ("by_gold", "by_execution", "unconfirmed")


@dataclass(frozen=True)
class Arms:
    """Tables of OperatorYield and Overlap, and the facts of Arm without the scores."""

    facts: pl.DataFrame
    operators: pl.DataFrame
    overlaps: pl.DataFrame

    @property
    def sets(self) -> dict[str, str]:
        """The training set of each model."""
        return dict(self.facts.select("model", "set").iter_rows())

    @property
    def rivals(self) -> list[str]:
        """The models to compare: for each set the one with the smallest training seed."""
        return (
            self.facts.sort("seed", maintain_order=True)
            .unique("set", keep="first", maintain_order=True)["model"]
            .to_list()
        )


@dataclass(frozen=True)
class Behind:
    """The outputs of stages that describe an arm, each by its set or recipe."""

    training: Mapping[str, In[TrainingRow]]
    """Training sets by name."""
    results: Mapping[str, In[ExecutionResult]]
    checked: Mapping[str, In[CheckedProblem]]
    lineage: Mapping[str, In[Lineage]]
    answers: Mapping[str, pl.DataFrame]
    """Tables of TeacherAnswer by KD set."""
    measured: Mapping[str, Any]
    """Metrics by stage."""


def read_arms(
    graph: InFiles,
    training: InTables[TrainingRow],
    results: InTables[ExecutionResult],
    checked: InTables[CheckedProblem],
    lineage: InTables[Lineage],
    answers: InTables[TeacherAnswer],
    measured: Mapping[str, Any],
) -> Arms:
    """The facts about each training set; `measured` are metrics by stage."""
    tables = (training.tables(), results.tables(), checked.tables(), lineage.tables())
    return arms_of(read_graph(graph.path.parent), Behind(*tables, answers.read(), measured))


def arms_of(graph: Graph, behind: Behind) -> Arms:
    """As `read_arms`, for a graph in which `mix@SET` leaves each set."""
    told = _told(behind)
    sets: dict[str, dict[str, Any]] = {}
    yields: list[dict[str, Any]] = []
    questions: dict[str, pl.Series] = {}
    for name, table in behind.training.items():
        rows = _synthetic(table, told)
        above = [] if rows.is_empty() else upstream(graph, f"mix@{name}")
        asking = [stage for stage in above if stage.partition("/")[0] in ASKING]
        questions[name] = rows["question"].unique()
        sets[name] = (
            {"set": name}
            | _set(table, rows)
            | _packed(behind.measured[f"pack/{name}"])
            | _spent(asking, behind)
            | {"student_tokens": _student_tokens(above, behind.measured)}
        )
        yields += [{"set": name} | one for stage in asking for one in _yields(stage, behind.measured)]
    facts = [
        {"model": stage.key, "seed": int(stage.path("seed"))}
        | sets[_set_of(stage, graph)]
        | _training(behind.measured[f"pretrain/{stage.key}"])
        for stage in graph.of("pretrain")
    ]
    schema = {name: kind for name, kind in Arm.create_empty().schema.items() if name in facts[0]}
    return Arms(
        facts=pl.DataFrame(facts, schema=schema),
        operators=pl.DataFrame(yields, schema=OperatorYield.create_empty().schema),
        overlaps=pl.DataFrame(_overlaps(questions), schema=Overlap.create_empty().schema),
    )


def with_scores(facts: pl.DataFrame, scores: pl.DataFrame, benchmarks: OfFamilies) -> pl.DataFrame:
    """Table of Arm: the facts, with the scores of each model on the benchmarks of families."""
    of_families = scores.filter(pl.col("benchmark") == pl.lit(benchmarks.forward, pl.String))
    average = of_families.filter(group_by="average", setting="both")
    macro = average.select("model", "accuracy", "low", "high", "accuracy_math_verify")
    whole = scores.filter(group_by="all")
    usage = whole.group_by("model").agg(
        answer_tokens=pl.col("completion_tokens").sum() / pl.col("responses").sum(),
        truncated=100 * pl.col("truncated").sum() / pl.col("responses").sum(),
    )
    arms = facts.join(macro, on="model", how="left")
    macros = scores.filter(pl.col("group_by") == "macro")
    figures = {
        **{column: (benchmarks.forward, group) for column, group in GROUP_COLUMNS.items()},
        "backward": (benchmarks.backward, ALL),
        "composed": (benchmarks.composed, ALL),
    }
    for column, (benchmark, group) in figures.items():
        one = macros.filter(pl.col("benchmark") == pl.lit(benchmark, pl.String), group=group)
        arms = arms.join(one.select("model", pl.col("accuracy").alias(column)), on="model", how="left")
    for setting in ("prose", "tool"):
        of_setting = of_families.filter(group_by="all", setting=setting)
        arms = arms.join(
            of_setting.select("model", pl.col("accuracy").alias(setting)), on="model", how="left"
        )
    return arms.join(usage, on="model", how="left").select(Arm.column_names())


def upstream(graph: Graph, name: str) -> list[str]:
    """The stages upstream of a stage, in their order, named as in data/metrics (`distill/initial`)."""
    waiting, seen = [graph.stage(name)], {name}
    while waiting:
        for path in waiting.pop().reads:
            writer = graph.writer(path)
            if writer is not None and writer.name not in seen:
                seen.add(writer.name)
                waiting.append(writer)
    return [stage.name.replace("@", "/") for stage in graph.stages if stage.name in seen - {name}]


def _told(behind: Behind) -> pl.DataFrame:
    """Columns `row_id`, `expected_from`, `status`, `family` and `right` for problems with further
    information.
    """
    lineage = [_columns(table, "problem_id", "expected_from") for table in behind.lineage.values()]
    ran = [_columns(table, "problem_id", "status") for table in behind.results.values()]
    right = [_columns(table, "problem_id", "family", "right") for table in behind.checked.values()]
    text = {"problem_id": pl.String}
    parts = [
        pl.concat([pl.DataFrame(schema=text | {"expected_from": pl.String}), *lineage]),
        pl.concat([pl.DataFrame(schema=text | {"status": pl.String}), *ran]),
        pl.concat([pl.DataFrame(schema=text | {"family": pl.String, "right": pl.Boolean}), *right]),
    ]
    told = parts[0].unique("problem_id")
    for part in parts[1:]:
        told = told.join(part.unique("problem_id"), on="problem_id", how="full", coalesce=True)
    return told.rename({"problem_id": "row_id"})


def _columns(table: In[Any], *names: str) -> pl.DataFrame:
    return table.scan().select(names).with_columns(cs.enum().cast(pl.String)).collect()


def _synthetic(table: In[TrainingRow], told: pl.DataFrame) -> pl.DataFrame:
    """Columns `question`, those of CONFIRMATIONS, `checked` and `right` for the rows of a recipe."""
    rows = _questions(table, "pretrain").join(told, on="row_id", how="left")
    source = pl.col("expected_from")
    # A seed that is itself a problem has no lineage: its answer is the gold one.
    by_gold = source.is_in(["gold", "masked"]) | (source.is_null() & (pl.col("source") == "seed"))
    by_execution = (source == "executed") | (pl.col("status") == "ok")
    read = pl.col("family").is_not_null() & pl.col("right").is_not_null()
    return rows.select(
        "question",
        by_gold=by_gold.fill_null(value=False),
        by_execution=~by_gold.fill_null(value=False) & by_execution.fill_null(value=False),
        checked=read,
        right=read & pl.col("right").fill_null(value=False),
    ).with_columns(unconfirmed=~(pl.col("by_gold") | pl.col("by_execution")))


def _questions(table: In[TrainingRow], part: str) -> pl.DataFrame:
    """Columns `row_id`, `source` and `question`: a user's first turn, with case and spacing normalised."""
    asked = pl.col("turns").list.eval(
        pl.element().struct.field("text").filter(pl.element().struct.field("role") == "user")
    )
    plain = asked.list.first().str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
    return table.scan().filter(pl.col("part") == part).select("row_id", "source", question=plain).collect()


def _set(table: In[TrainingRow], rows: pl.DataFrame) -> dict[str, Any]:
    known = _questions(table, "instruction")["question"].to_list()
    asked = rows["question"].unique().to_list()
    counted = rows.select(pl.col(*CONFIRMATIONS, "checked", "right").sum()).row(0, named=True)
    return {
        "rows": table.rows(),
        "synthetic_rows": rows.height,
        "questions": len(asked),
        "distance": mean_distance(asked),
        "gain": mean_gain(asked, known),
    } | counted


def _set_of(training: Stage, graph: Graph) -> str:
    packed_by = graph.writer(training.path("blocks"))
    assert packed_by is not None, f"no stage leaves the blocks of {training.name}"
    return packed_by.key


def _packed(packed: Mapping[str, Any]) -> dict[str, Any]:
    return {"tokens": packed["tokens"], "label_tokens": packed["label_tokens"]}


def _training(trained: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "tokens_read": trained["tokens"],
        "passes": trained["epochs"],
        "starved": trained["epochs"] > MOST_PASSES,
    }


def _spent(asking: Iterable[str], behind: Behind) -> dict[str, Any]:
    """What teachers spent; an answer of `distill` counts once, even if several of its sets use it."""
    names = [name.partition("/") for name in asking]
    sets = [behind.answers[key] for stage, _, key in names if stage == "distill"]
    answers = pl.concat([TeacherAnswer.create_empty(), *sets]).unique("request_id").sort("request_id")
    tokens = answers["prompt_tokens"] + answers["completion_tokens"]
    others = [
        behind.measured[f"{stage}/{key}"] if stage == "augment" else behind.measured[f"{stage}/{key}"]["paid"]
        for stage, _, key in names
        if stage != "distill"
    ]
    paid = [one for one in others if one is not None]
    solved = any(stage == "solve" for stage, _, _ in names)
    kept = int(tokens.filter(answers["kept"]).sum()) + sum(one.get("kept_tokens", 0) for one in paid)
    priced = not answers["cost_usd"].null_count() and all(one["priced"] for one in paid)
    cost = float(answers["cost_usd"].sum()) + sum(one["cost_usd"] for one in paid)
    return {
        "teacher_requests": answers.height + sum(one["answered"] for one in paid),
        "teacher_tokens": int(tokens.sum())
        + sum(one["prompt_tokens"] + one["completion_tokens"] for one in paid),
        "teacher_tokens_kept": None if solved else kept,
        "cost_usd": round(cost, 6) if priced else None,
    }


def _student_tokens(above: Iterable[str], measured: Mapping[str, Any]) -> int:
    own = [measured[name] for name in above if name.partition("/")[0] in WRITING]
    return sum(one["prompt_tokens"] + one["completion_tokens"] for one in own if one.get("paid") is None)


def _yields(name: str, measured: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of OperatorYield, without the set, for a stage that asks a teacher."""
    values = measured[name]
    operators = values.get("operators", {"write": values})
    return [
        {
            "stage": name,
            "operator": operator,
            "asked": one["rows"]["read"],
            "kept": one["rows"]["kept"],
            "share": one["rows"]["kept"] / one["rows"]["read"] if one["rows"]["read"] else None,
        }
        for operator, one in operators.items()
    ]


def _overlaps(questions: Mapping[str, pl.Series]) -> list[dict[str, Any]]:
    return [
        {
            "set": name,
            "against": against,
            "questions": len(questions[name]),
            "shared": int(questions[name].is_in(questions[against].implode()).sum()),
        }
        for name, against in permutations(questions, 2)
    ]
