"""Write the evaluation tables."""

from jz3.core.artifacts import In, InFiles, Metrics, Out, OutDir, OutText, Plot
from jz3.core.fan_in import InMetrics, InTables
from jz3.core.stage import run
from jz3.evaluation.arms import read_arms, with_scores
from jz3.evaluation.costs import costs_of
from jz3.evaluation.pages import summary, write_pages
from jz3.evaluation.published import read_published
from jz3.evaluation.spread import seed_spread
from jz3.evaluation.tabulate import TabulateParams, headline_of, stack, tabulate
from jz3.tables.arm import Arm
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.comparison import Comparison
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.grade import Grade
from jz3.tables.lineage import Lineage
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.problem import Problem
from jz3.tables.published_row import PublishedRow
from jz3.tables.score_row import ScoreRow
from jz3.tables.seed_spread import SeedSpread
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.tables.training_row import TrainingRow


def main(
    params: TabulateParams,
    graph: InFiles,
    grades: InTables[Grade],
    test_grades: InTables[Grade],
    instructions: In[Problem],
    figures: InFiles,
    training: InTables[TrainingRow],
    results: InTables[ExecutionResult],
    checked: InTables[CheckedProblem],
    lineage: InTables[Lineage],
    answers: InTables[TeacherAnswer],
    measured: InMetrics,
    trained: InMetrics,
    scores: Out[ScoreRow],
    comparisons: Out[Comparison],
    spread: Out[SeedSpread],
    published: Out[PublishedRow],
    disagreements: Out[Disagreement],
    costs: Out[Cost],
    arms: Out[Arm],
    operators: Out[OperatorYield],
    overlaps: Out[Overlap],
    pages: OutDir[PagesManifest],
    test: OutDir[PagesManifest],
    test_summary: OutText,
    plot: Plot[ScoreRow],
    metrics: Metrics,
) -> None:
    seeds = frozenset(instructions.read()["subject"].drop_nulls())
    known = read_published(figures, params.published)
    asked = measured.read()
    behind = read_arms(graph, training, results, checked, lineage, answers, asked | trained.read())
    shown = tabulate(stack(grades.read()), seeds, params.development, known, behind.rivals, params)
    shown["arms"] = with_scores(behind.facts, shown["scores"], params.development)
    shown["spread"] = seed_spread(shown["scores"], behind.sets)
    shown["operators"], shown["overlaps"] = behind.operators, behind.overlaps
    shown["costs"] = costs_of(asked)
    scores.write(shown["scores"])
    comparisons.write(shown["comparisons"])
    spread.write(shown["spread"])
    published.write(shown["published"])
    disagreements.write(shown["disagreements"])
    costs.write(shown["costs"])
    arms.write(shown["arms"])
    operators.write(behind.operators)
    overlaps.write(behind.overlaps)
    write_pages(shown, pages)
    plot.write(shown["scores"])
    metrics.write(headline_of(shown["scores"], params))
    kept_apart = tabulate(stack(test_grades.read()), seeds, params.test, known, behind.rivals, params)
    kept_apart["arms"] = with_scores(behind.facts, kept_apart["scores"], params.test)
    kept_apart["spread"] = seed_spread(kept_apart["scores"], behind.sets)
    write_pages(kept_apart, test)
    test_summary.write(summary(kept_apart))


if __name__ == "__main__":
    run(main)
