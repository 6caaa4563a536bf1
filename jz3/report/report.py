"""One HTML page of a whole run: the graph, the account of every row, curves, tables and samples.

It opens without a network: style, drawings and mathematics stand in the file, and nothing in it runs. The
same inputs give the same bytes. Costs a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from jz3.core.artifacts import MANIFEST, InDir, OutDir
from jz3.report.accounts import knowledge_sets, waterfall
from jz3.report.certificates import audit_section, certificate_section
from jz3.report.curves import loss_curves, step_curves
from jz3.report.evaluation import cost_table, disagreement_table, published_table
from jz3.report.graph import drawn
from jz3.report.markup import Html, classed, element, folded, joined, table
from jz3.report.samples import Samples, sample_section
from jz3.report.scores import comparison_table, score_tables
from jz3.report.selection import Extremes, selection_section
from jz3.report.style import CSS
from jz3.report.trainings import held_out_tables, training_table
from jz3.report.wiring import Wiring
from jz3.report.writing import count
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.pages_manifest import PagesManifest

FILES = {"index.html": "the report; it opens without a network"}

# No script may run and nothing be fetched, whatever a model wrote.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Material:
    """What the page shows: the tables of the evaluation, curves of LossPoint, metrics by stage."""

    wiring: Wiring
    measured: Mapping[str, Any]
    curves: Mapping[str, pl.DataFrame]
    scores: pl.DataFrame
    comparisons: pl.DataFrame
    published: pl.DataFrame
    disagreements: pl.DataFrame
    costs: pl.DataFrame
    certificates: Mapping[str, InDir[CertificateManifest]]
    ranking: pl.DataFrame
    extremes: Extremes
    samples: Samples


def write_report(material: Material, pages: OutDir[PagesManifest]) -> None:
    """Leave the page in its directory."""
    with pages.open() as directory:
        (directory / "index.html").write_text(page(material), encoding="utf-8")
        (directory / MANIFEST).write_text(PagesManifest(files=FILES).model_dump_json(indent=2) + "\n")


def page(material: Material) -> str:
    """The whole document."""
    sections = _sections(material)
    titles = [(f"section-{number}", title) for number, title in enumerate(sections, start=1)]
    head = element(
        "head",
        element("meta", attributes={"charset": "utf-8"}),
        element("meta", attributes={"name": "viewport", "content": "width=device-width, initial-scale=1"}),
        element("meta", attributes={"http-equiv": "Content-Security-Policy", "content": POLICY}),
        element("title", "jz3: report of a run"),
        element("style", Html(CSS)),
    )
    links = [element("a", title, attributes={"href": f"#{name}"}) for name, title in titles]
    body = element(
        "body",
        element("h1", "jz3: report of a run"),
        element(
            "p", "From passages to grades: every stage, every row that was dropped, and what came of it."
        ),
        element("nav", *links),
        *(
            element("section", element("h2", title, attributes={"id": name}), sections[title])
            for name, title in titles
        ),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, attributes={'lang': 'en'})}\n"


def _sections(material: Material) -> dict[str, Html]:
    """Content by title, in the order of the page."""
    measured = material.measured
    return {
        "Figures": _figures(measured),
        "Graph": joined([_note(GRAPH), drawn(material.wiring)]),
        "Rows": joined([_note(ROWS), waterfall(measured)]),
        "KD sets": knowledge_sets(measured),
        "Correct before curation": _correctness(measured),
        "Selection": joined(
            [_note(SELECTION), selection_section(measured["select"], material.ranking, material.extremes)]
        ),
        "Trainings": joined(
            [
                _note(TRAININGS),
                training_table(measured),
                loss_curves(material.curves),
                step_curves(material.curves),
                held_out_tables(measured),
            ]
        ),
        "Scores": joined([_note(SCORES), score_tables(material.scores)]),
        "Models compared": joined([_note(COMPARED), comparison_table(material.comparisons)]),
        "Beside published figures": joined([_note(PUBLISHED), published_table(material.published)]),
        "Second opinion": joined([_note(DISPUTED), disagreement_table(material.disagreements)]),
        "Requests and tokens": cost_table(material.costs),
        "Certificates": joined(
            [
                *map(certificate_section, material.certificates.values()),
                audit_section(material.measured["audit"]["sets"]),
            ]
        ),
        "Samples": joined([_note(SAMPLES), sample_section(material.samples)]),
        "All metrics": joined(_metrics(stage, values) for stage, values in measured.items()),
    }


GRAPH = (
    "An edge says that a stage reads what another leaves; edges that follow from others are left out. ×n are "
    "the instances of a stage. The dashed line begins the second round, in which the teacher answers the "
    "selected prompts, too."
)
ROWS = (
    "Each stage accounts for its rows: read = kept + rejected + failed. Green is kept, red rejected, grey "
    "failed. A row that mix turns away bears the rule of the first stage that judged against it."
)
SELECTION = (
    "The value of a problem is its highest influence score over the target tasks: over all checkpoints, the "
    "sum of mean learning rate times cosine. In the second round the teacher answers the chosen prompts."
)
TRAININGS = (
    "Speed and memory differ from run to run and so are not on this page: `dvc plots show` draws them, with "
    "loss, learning rate, gradient norm and fill, as the trainings note them while they run."
)
SCORES = (
    "Per cent of items, strict extraction; 95 % bootstrap intervals over items (over families for their "
    "macro average). Lenient extraction and the items that the certificates call clean stand beside them, "
    "and the certificates of the model's training set, by name and digest."
)
COMPARED = (
    "Points of accuracy on the same items, model minus the other; 95 % paired bootstrap; exact McNemar test."
)
PUBLISHED = (
    "Ours minus theirs, in points. Their extraction and equality are not ours, and these alone move a score "
    "by points."
)
DISPUTED = (
    "Every answer is also judged by plain math-verify. Where its verdict is another than that of our rules, "
    "the response stands here with the rule that decided."
)
SAMPLES = (
    "Candidate problems as the synthesis model wrote them, drawn by hash and not chosen, those of highest "
    "score first. The score is the highest influence over the target tasks."
)


def _note(text: str) -> Html:
    return classed("p", "note", text)


def _figures(measured: Mapping[str, Any]) -> Html:
    """The few numbers by which a run is judged."""
    tables: Mapping[str, Mapping[str, float]] = measured["tabulate"]
    averages = {
        "macro average over families": tables["macro_over_families"],
        "mean over benchmarks": tables["mean_over_benchmarks"],
    }
    figures = {
        f"{name}, {model}": f"{value:.1f} %"
        for name, by_model in averages.items()
        for model, value in by_model.items()
    }
    figures |= {
        f"{kind} problems correct before curation, {recipe}": _per_cent(found[f"{kind}_correct_share"])
        for recipe, found in _correct(measured).items()
        for kind in ("tool", "prose")
    }
    return classed(
        "div",
        "figures",
        *(
            classed("div", "figure", element("b", value), element("span", name))
            for name, value in figures.items()
        ),
    )


def _correct(measured: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What `correctness` found, by recipe."""
    return {
        name.partition("/")[2]: found
        for name, found in measured.items()
        if name.partition("/")[0] == "correctness"
    }


def _correctness(measured: Mapping[str, Any]) -> Html:
    """A table for each recipe."""
    return joined(_of_recipe(recipe, found) for recipe, found in _correct(measured).items())


def _of_recipe(recipe: str, found: Mapping[str, Any]) -> Html:
    title = element("h3", f"Problems of {recipe}")
    if found["tool_correct_share"] is None and found["prose_correct_share"] is None:
        said = "Not measured: only problems of the built-in writer's families can be checked."
        return joined([title, element("p", said)])
    head = ["kind", "problems", "worded as a family", "correct", "share correct"]
    kinds = {
        "tool": "tool: the program prints the exact answer",
        "prose": "prose: the box holds the exact answer",
    }
    lines = [
        [
            said,
            *(count(found[f"{kind}_{number}"]) for number in ("problems", "read", "correct")),
            _per_cent(found[f"{kind}_correct_share"]),
        ]
        for kind, said in kinds.items()
    ]
    said = f"The problems are of {found['families_read']} of the writer's {found['families']} families."
    return joined([title, table(head, lines, frozenset(head[1:])), element("p", said)])


def _per_cent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.1f} %"


def _metrics(stage: str, values: Mapping[str, Any]) -> Html:
    lines = [[name, str(value)] for name, value in _flat(values).items()]
    return folded(stage, table(["metric", "value"], lines))


def _flat(values: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat
