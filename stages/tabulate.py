"""Write the evaluation tables."""

from jz3.core.artifacts import In, InFiles, Metrics, Out, OutDir, Plot
from jz3.core.fan_in import InMetrics, InTables
from jz3.core.stage import run
from jz3.evaluation.costs import costs_of
from jz3.evaluation.disagreements import disagreements_of
from jz3.evaluation.pages import Tables, write_pages
from jz3.evaluation.published import beside_published, read_published
from jz3.evaluation.tabulate import TabulateParams, stack, tabulate
from jz3.tables.comparison import Comparison
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.grade import Grade
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.problem import Problem
from jz3.tables.published_row import PublishedRow
from jz3.tables.score_row import ScoreRow


def main(
    params: TabulateParams,
    grades: InTables[Grade],
    instructions: In[Problem],
    figures: InFiles,
    measured: InMetrics,
    scores: Out[ScoreRow],
    comparisons: Out[Comparison],
    published: Out[PublishedRow],
    disagreements: Out[Disagreement],
    costs: Out[Cost],
    pages: OutDir[PagesManifest],
    plot: Plot[ScoreRow],
    metrics: Metrics,
) -> None:
    graded = stack(grades.read())
    covered = frozenset(instructions.read()["subject"].drop_nulls())
    accuracies, compared, headline = tabulate(graded, covered, params)
    tables = Tables(
        scores=accuracies,
        comparisons=compared,
        published=beside_published(accuracies, read_published(figures, params.published)),
        disagreements=disagreements_of(graded),
        costs=costs_of(measured.read()),
    )
    scores.write(tables.scores)
    comparisons.write(tables.comparisons)
    published.write(tables.published)
    disagreements.write(tables.disagreements)
    costs.write(tables.costs)
    write_pages(tables, pages)
    plot.write(tables.scores)
    metrics.write(headline)


if __name__ == "__main__":
    run(main)
