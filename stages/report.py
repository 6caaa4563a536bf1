"""One page with the figures of the run, the graph, the account of every row, curves, tables and samples."""

from jz3.core.artifacts import In, InFiles, OutDir
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables
from jz3.core.stage import run
from jz3.curation.right_rows import right_rows
from jz3.report.report import Material, write_report
from jz3.report.samples import draw_samples, recipes_of
from jz3.report.selection import find_extremes
from jz3.report.summary import profile_in_use
from jz3.report.wiring import read_wiring
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.comparison import Comparison
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.loss_point import LossPoint
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.published_row import PublishedRow
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.score_row import ScoreRow
from jz3.tables.training_row import TrainingRow
from jz3.tables.verdict import Verdict


def main(
    graph: InFiles,
    problems: In[Problem],
    prompts: In[Prompt],
    passages: In[Passage],
    influence: In[InfluenceScore],
    ranking: In[RankedPrompt],
    training: InTables[TrainingRow],
    recipes: InTables[Problem],
    origins: InTables[Passage],
    results: InTables[ExecutionResult],
    checked: InTables[CheckedProblem],
    executed: InTables[Verdict],
    filtered: InTables[Verdict],
    deduped: InTables[Verdict],
    decontaminated: InTables[Verdict],
    scores: In[ScoreRow],
    comparisons: In[Comparison],
    published: In[PublishedRow],
    disagreements: In[Disagreement],
    costs: In[Cost],
    certificates: InDirs[CertificateManifest],
    curves: InPlots[LossPoint],
    measured: InMetrics,
    pages: OutDir[PagesManifest],
) -> None:
    account = measured.read()
    ranked = ranking.read()
    judged = [executed, filtered, deduped, decontaminated]
    of_recipes = recipes_of(recipes, results, checked, judged)
    material = Material(
        profile=profile_in_use(graph.path.parent),
        wiring=read_wiring(graph),
        measured=account,
        curves=curves.read(),
        scores=scores.read(),
        comparisons=comparisons.read(),
        published=published.read(),
        disagreements=disagreements.read(),
        costs=costs.read(),
        certificates=certificates.directories(),
        ranking=ranked,
        extremes=find_extremes(ranked, problems, prompts, passages, influence),
        samples=draw_samples(training.tables(), of_recipes, list(origins.tables().values())),
        right=right_rows(checked.tables(), training.tables()),
    )
    write_report(material, pages)


if __name__ == "__main__":
    run(main)
