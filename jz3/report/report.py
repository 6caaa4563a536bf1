"""One HTML page about a whole run: its figures, the graph, the account of every row, curves, tables and
samples.

It opens without a network: style, drawings and mathematics are in the file. Its only script filters the
samples, and the page's policy allows it by its hash; without it everything can still be read. The same inputs
give the same bytes. Costs some seconds, mostly for the import of matplotlib and the drawings.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import MANIFEST, In, InDir, InFiles, OutDir
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables
from jz3.curation.right_rows import right_rows
from jz3.report.accounts import knowledge_sets, waterfall
from jz3.report.arms import arm_tables, budget_figure
from jz3.report.certificates import audit_section, certificate_section
from jz3.report.curves import loss_curves, step_curves
from jz3.report.evaluation import cost_table, disagreement_table, probe_table, published_table
from jz3.report.graph import drawn
from jz3.report.page import Section, whole_page
from jz3.report.rendering import code, folded, joined, render, table
from jz3.report.samples import Samples, draw_samples, recipes_of, sample_section
from jz3.report.scores import comparison_table, score_tables
from jz3.report.selection import Extremes, find_extremes, selection_section, values_of
from jz3.report.solvers import solver_tables
from jz3.report.summary import (
    first_tables,
    headline,
    inputs_digest,
    key_figures,
    paid,
    profile_in_use,
    right_table,
)
from jz3.report.trainings import held_out_tables, training_table
from jz3.report.wiring import Wiring, read_wiring
from jz3.report.writing import count, per_cent, prose
from jz3.tables.arm import Arm
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.comparison import Comparison
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.loss_point import LossPoint
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.published_row import PublishedRow
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.score_row import ScoreRow
from jz3.tables.seed_spread import SeedSpread
from jz3.tables.training_row import TrainingRow
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict

log = logging.getLogger(__name__)

FILES = {"index.html": "the report; it opens without a network"}


@dataclass(frozen=True)
class RunOutputs:
    """The outputs of stages from which the page is made, none of them read yet."""

    graph: InFiles
    problems: In[Problem]
    """The pool of the selections; its prompts and passages are the next two."""
    prompts: In[Prompt]
    passages: In[Passage]
    values: InTables[Value]
    """Values of the pool's problems, by each method that a selection uses."""
    rankings: InTables[RankedPrompt]
    training: InTables[TrainingRow]
    recipes: InTables[Problem]
    """Problems of every recipe, before curation."""
    origins: InTables[Passage]
    results: InTables[ExecutionResult]
    checked: InTables[CheckedProblem]
    verdicts: Sequence[InTables[Verdict]]
    """Verdicts on each recipe, for every stage of curation in order."""
    scores: In[ScoreRow]
    comparisons: In[Comparison]
    spread: In[SeedSpread]
    published: In[PublishedRow]
    disagreements: In[Disagreement]
    costs: In[Cost]
    arms: In[Arm]
    operators: In[OperatorYield]
    overlaps: In[Overlap]
    certificates: InDirs[CertificateManifest]
    curves: InPlots[LossPoint]
    measured: InMetrics


@dataclass(frozen=True)
class Material:
    """The content of the page: the tables of the evaluation, curves of LossPoint, metrics by stage."""

    profile: str
    wiring: Wiring
    measured: Mapping[str, Any]
    curves: Mapping[str, pl.DataFrame]
    scores: pl.DataFrame
    comparisons: pl.DataFrame
    spread: pl.DataFrame
    published: pl.DataFrame
    disagreements: pl.DataFrame
    costs: pl.DataFrame
    arms: pl.DataFrame
    operators: pl.DataFrame
    overlaps: pl.DataFrame
    certificates: Mapping[str, InDir[CertificateManifest]]
    selections: Mapping[str, tuple[pl.DataFrame, Extremes]]
    """Rows of RankedPrompt and the texts at both ends, by selection."""
    samples: Samples
    right: pl.DataFrame
    """A table of RightRows."""


def write_report(outputs: RunOutputs, pages: OutDir[PagesManifest]) -> None:
    """Write the page of the run into its directory; log its key results and its location."""
    material = material_of(outputs)
    text = page(material)
    with pages.open() as directory:
        (directory / "index.html").write_text(text, encoding="utf-8")
        (directory / MANIFEST).write_text(PagesManifest(files=FILES).model_dump_json(indent=2) + "\n")
    for line in headline(material.scores, material.right):
        log.info(line)
    log.info("all of it is in %s", pages.path / "index.html")


def material_of(outputs: RunOutputs) -> Material:
    """Read the tables; compute the samples, the extremes of the selection and the shares of right rows."""
    training = outputs.training.tables()
    checked, origins = outputs.checked.tables(), list(outputs.origins.tables().values())
    recipes = recipes_of(outputs.recipes, outputs.results, outputs.checked, outputs.verdicts)
    measured = outputs.measured.read()
    values = values_of(outputs.values, measured)
    return Material(
        profile=profile_in_use(outputs.graph.path.parent),
        wiring=read_wiring(outputs.graph),
        measured=measured,
        curves=outputs.curves.read(),
        scores=outputs.scores.read(),
        comparisons=outputs.comparisons.read(),
        spread=outputs.spread.read(),
        published=outputs.published.read(),
        disagreements=outputs.disagreements.read(),
        costs=outputs.costs.read(),
        arms=outputs.arms.read(),
        operators=outputs.operators.read(),
        overlaps=outputs.overlaps.read(),
        certificates=outputs.certificates.directories(),
        selections={
            name: (
                ranking,
                find_extremes(ranking, outputs.problems, outputs.prompts, outputs.passages, values[name]),
            )
            for name, ranking in outputs.rankings.read().items()
        },
        samples=draw_samples(training, recipes, origins),
        right=right_rows(checked, training),
    )


def page(material: Material) -> str:
    """The whole document."""
    return whole_page(
        [
            Section(f"section-{number}", title, prose(note), content)
            for number, (title, (note, content)) in enumerate(_sections(material).items(), start=1)
        ]
    )


def _sections(material: Material) -> dict[str, tuple[str, Markup]]:
    """Note and content by title, in the order of the page."""
    measured = material.measured
    certificates = material.certificates.values()
    trainings = joined(
        [
            training_table(measured),
            loss_curves(material.curves),
            step_curves(material.curves),
            held_out_tables(measured),
        ]
    )
    return {
        "Summary": (
            "",
            joined(
                [
                    key_figures(_facts(material), material.scores, material.right),
                    budget_figure(material.arms),
                    first_tables(material.comparisons, material.right),
                ]
            ),
        ),
        "Arms": (
            ARMS,
            arm_tables(material.arms, material.spread, material.operators, material.overlaps),
        ),
        "Samples": ("", sample_section(material.samples)),
        "Scores": (SCORES, score_tables(material.scores)),
        "Models compared": (COMPARED, comparison_table(material.comparisons)),
        "Right rows": (RIGHT, joined([right_table(material.right), _families(measured)])),
        "Graph": (
            GRAPH,
            render(
                "figure.html", drawing=drawn(material.wiring), caption="The stages, from sources to report."
            ),
        ),
        "Rows": (ROWS, waterfall(measured)),
        **_solvers(measured),
        "KD sets": ("", knowledge_sets(measured)),
        "Selection": (SELECTION, _selections(material)),
        "Trainings": (TRAININGS, trainings),
        "Beside published figures": (PUBLISHED, published_table(material.published)),
        "Second opinion": (DISPUTED, disagreement_table(material.disagreements)),
        "Requests and tokens": ("", cost_table(material.costs)),
        "Certificates": (
            "",
            joined(
                [
                    *map(certificate_section, certificates),
                    audit_section(measured["audit"]["sets"]),
                    probe_table(measured),
                ]
            ),
        ),
        "All metrics": ("", joined(_metrics(stage, values) for stage, values in measured.items())),
    }


ARMS = (
    "An arm is a training set with the models trained on it, which differ in their training seeds alone. All "
    "train alike on one budget of tokens. An arm owes all that teachers answered on the way to its problems, "
    "what was not kept included; an answer counts once. Distances are one minus the cosine of the sets of "
    "words and pairs of words; the gain is the distance to the nearest instruction question."
)
GRAPH = (
    "An edge says that a stage reads what another leaves; edges that follow from others are left out. ×n are "
    "the instances of a stage. The dashed line begins the second round, in which the teacher answers the "
    "selected prompts, too."
)
ROWS = (
    "Each stage accounts for its rows: read = kept + rejected + failed. Green is kept, red rejected, grey "
    "failed. A row that mix turns away bears the rule of the first stage that judged against it."
)
DIFFICULTY = (
    "A solver answers each problem several times, and the grader of the benchmarks judges its answers. The "
    "pass rate is the share of right draws; solved are problems with a right one. Green is right, red wrong."
)
SELECTION = (
    "By influence the value of a problem is its highest score over the target tasks: over all checkpoints, "
    "the sum of mean learning rate times cosine. By skills it says how near the problem is to those that "
    "reference problems often need. In the second round the teacher answers the chosen prompts."
)
TRAININGS = (
    "Speed and memory differ from run to run and so are not on this page: `dvc plots show` draws them, with "
    "loss, learning rate, gradient norm and fill, as the trainings note them while they run."
)
SCORES = (
    "Per cent of items, strict extraction; 95 % bootstrap intervals over items (over families for their "
    "macro average). Beside them stand lenient extraction, plain math-verify as the grader, the items that "
    "the certificates call clean, and the certificates of the model's training set, by name and digest."
)
COMPARED = (
    "Points of accuracy on the same items, model minus the other; 95 % paired bootstrap; exact McNemar test, "
    "corrected for the pairs of models. The least difference is what the test would call significant at 5 %. "
    "Figures on test benchmarks (grade.test) stand in data/tables/test, and nowhere here."
)
PUBLISHED = (
    "Ours minus theirs, in points. Their extraction and equality are not ours, and these alone move a score "
    "by points."
)
DISPUTED = (
    "Every answer is also judged by plain math-verify. Where its verdict is another than that of our rules, "
    "the response stands here with the rule that decided."
)
RIGHT = (
    "A problem in the manner of the built-in writer's families has an exact answer. A tool problem is right "
    "if its program ends well and prints it, a prose problem if its box holds it; one that no family reads "
    "counts as not right. No rule of curation sees this checker."
)


def _solvers(measured: Mapping[str, Any]) -> dict[str, tuple[str, Markup]]:
    """A section if a solver was asked; most runs have none."""
    tables = solver_tables(measured)
    return {"Difficulty": (DIFFICULTY, tables)} if tables else {}


def _facts(material: Material) -> dict[str, str | Markup]:
    """Facts that identify the run."""
    measured, manifests = material.measured, [one.manifest() for one in material.certificates.values()]
    sets = {
        name.partition("/")[2]: count(values["rows"]["kept"])
        for name, values in measured.items()
        if name.startswith("mix/")
    }
    teachers = dict.fromkeys(
        f"{values['provider']} {values['model']}" + (" (no LLM)" if values["provider"] == "writer" else "")
        for name, values in measured.items()
        if name.startswith(("distill/", "augment/"))
    )
    return {
        "Profile": material.profile,
        "Teacher": ", ".join(teachers) or "none",
        "Training sets": ", ".join(f"{name} {rows} rows" for name, rows in sets.items()),
        "Cost": paid(material.costs),
        "Digest of the inputs": code(inputs_digest(measured, manifests)),
    }


def _selections(material: Material) -> Markup:
    """Each selection, under its name if there are several."""
    sections = {
        name: selection_section(material.measured[f"select/{name}"], ranking, extremes)
        for name, (ranking, extremes) in material.selections.items()
    }
    if len(sections) == 1:
        return joined(sections.values())
    return joined(folded(name, section) for name, section in sections.items())


def _families(measured: Mapping[str, Any]) -> Markup:
    """What the checker read of each recipe, before curation."""
    found = {
        name.partition("/")[2]: values for name, values in measured.items() if name.startswith("correctness/")
    }
    head = ["recipe", "kind", "problems", "worded as a family", "correct", "share correct"]
    lines = [
        [
            recipe,
            kind,
            *(count(values[f"{kind}_{number}"]) for number in ("problems", "read", "correct")),
            per_cent(values[f"{kind}_correct_share"]),
        ]
        for recipe, values in found.items()
        for kind in ("tool", "prose")
    ]
    return table("What the checker read before curation", head, lines, frozenset(head[2:]))


def _metrics(stage: str, values: Mapping[str, Any]) -> Markup:
    lines = [[name, str(value)] for name, value in _flat(values).items()]
    return folded(stage, table(f"Metrics of {stage}", ["metric", "value"], lines))


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat
