"""Write one page about the whole run: figures, graph, row counts, curves, tables and samples."""

from jz3.core.artifacts import In, InFiles, OutDir
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables
from jz3.core.stage import run
from jz3.report.report import RunOutputs, write_report
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


def main(
    graph: InFiles,
    problems: In[Problem],
    prompts: In[Prompt],
    passages: In[Passage],
    values: InTables[Value],
    rankings: InTables[RankedPrompt],
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
    spread: In[SeedSpread],
    published: In[PublishedRow],
    disagreements: In[Disagreement],
    costs: In[Cost],
    arms: In[Arm],
    operators: In[OperatorYield],
    overlaps: In[Overlap],
    certificates: InDirs[CertificateManifest],
    curves: InPlots[LossPoint],
    measured: InMetrics,
    pages: OutDir[PagesManifest],
) -> None:
    outputs = RunOutputs(
        graph=graph,
        problems=problems,
        prompts=prompts,
        passages=passages,
        values=values,
        rankings=rankings,
        training=training,
        recipes=recipes,
        origins=origins,
        results=results,
        checked=checked,
        verdicts=[executed, filtered, deduped, decontaminated],
        scores=scores,
        comparisons=comparisons,
        spread=spread,
        published=published,
        disagreements=disagreements,
        costs=costs,
        arms=arms,
        operators=operators,
        overlaps=overlaps,
        certificates=certificates,
        curves=curves,
        measured=measured,
    )
    write_report(outputs, pages)


if __name__ == "__main__":
    run(main)
