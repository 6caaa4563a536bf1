"""Write the evaluation tables."""

from jz3.core.artifacts import In, InFiles, Metrics, Out, OutDir, OutText, Plot
from jz3.core.fan_in import InMetrics, InTables
from jz3.core.stage import run
from jz3.evaluation.costs import costs_of
from jz3.evaluation.pages import summary, write_pages
from jz3.evaluation.published import read_published
from jz3.evaluation.tabulate import TabulateParams, headline_of, stack, tabulate
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
    test_grades: InTables[Grade],
    instructions: In[Problem],
    figures: InFiles,
    measured: InMetrics,
    scores: Out[ScoreRow],
    comparisons: Out[Comparison],
    published: Out[PublishedRow],
    disagreements: Out[Disagreement],
    costs: Out[Cost],
    pages: OutDir[PagesManifest],
    test: OutDir[PagesManifest],
    test_summary: OutText,
    plot: Plot[ScoreRow],
    metrics: Metrics,
) -> None:
    covered = frozenset(instructions.read()["subject"].drop_nulls())
    known = read_published(figures, params.published)
    shown = tabulate(stack(grades.read()), covered, params.families, known, params)
    shown["costs"] = costs_of(measured.read())
    scores.write(shown["scores"])
    comparisons.write(shown["comparisons"])
    published.write(shown["published"])
    disagreements.write(shown["disagreements"])
    costs.write(shown["costs"])
    write_pages(shown, pages)
    plot.write(shown["scores"])
    metrics.write(headline_of(shown["scores"], params))
    kept_apart = tabulate(stack(test_grades.read()), covered, params.test_families, known, params)
    write_pages(kept_apart, test)
    test_summary.write(summary(kept_apart))


if __name__ == "__main__":
    run(main)
