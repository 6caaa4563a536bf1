"""Let a teacher write new problems from seed problems or passages, following a published recipe."""

from jz3.core.artifacts import In, InFiles, Metrics, Out, OutDir
from jz3.core.budget import TeacherTokens
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.failure import Failure
from jz3.tables.lineage import Lineage
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.teacher.augment import augment
from jz3.teacher.beginnings import begun_at
from jz3.teacher.taught import AugmentParams, begins_at
from jz3.teacher.workings import save_workings


def main(
    params: AugmentParams,
    teacher_tokens: TeacherTokens,
    execution: Execution,
    seeds: In[SeedProblem],
    passages: In[Passage],
    prompts: InFiles,
    problems: Out[Problem],
    lineage: Out[Lineage],
    workings: OutDir[WorkingsManifest],
    rejects: Out[Reject],
    failures: Out[Failure],
    metrics: Metrics,
) -> None:
    begun = begun_at(begins_at(params), seeds, passages)
    augmented = augment(begun, prompts, params, execution, teacher_tokens)
    problems.write(augmented.problems)
    lineage.write(augmented.lineage)
    with workings.open() as directory:
        save_workings(augmented.workings, directory)
    rejects.write(augmented.rejects)
    failures.write(augmented.failures)
    metrics.write(augmented.metrics)


if __name__ == "__main__":
    run(main)
