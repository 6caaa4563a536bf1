"""The evaluation tables."""

from jz3.core.artifacts import In, Metrics, Out, OutDir, Plot
from jz3.core.stage import run
from jz3.evaluation.pages import write_pages
from jz3.evaluation.tabulate import TabulateParams, stack, tabulate
from jz3.tables.comparison import Comparison
from jz3.tables.grade import Grade
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.problem import Problem
from jz3.tables.score_row import ScoreRow


def main(
    params: TabulateParams,
    jiuzhang: In[Grade],
    instruct_only: In[Grade],
    instructions: In[Problem],
    scores: Out[ScoreRow],
    comparisons: Out[Comparison],
    pages: OutDir[PagesManifest],
    plot: Plot[ScoreRow],
    metrics: Metrics,
) -> None:
    grades = stack({"jiuzhang": jiuzhang.read(), "instruct_only": instruct_only.read()})
    covered = frozenset(instructions.read()["subject"].drop_nulls())
    accuracies, compared, headline = tabulate(grades, covered, params)
    scores.write(accuracies)
    comparisons.write(compared)
    write_pages(accuracies, compared, pages)
    plot.write(accuracies)
    metrics.write(headline)


if __name__ == "__main__":
    run(main)
