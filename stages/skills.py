"""Let a teacher name the skills of reference problems, and merge them into a graph."""

from jz3.core.artifacts import In, InFiles, Metrics, Out, OutDir
from jz3.core.budget import TeacherTokens
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.failure import Failure
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.verdict import Verdict
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.teacher.skills import SkillsParams, skills
from jz3.teacher.workings import save_workings
from jz3.vectors.encoder import open_encoder


def main(
    params: SkillsParams,
    teacher_tokens: TeacherTokens,
    execution: Execution,
    references: In[Problem],
    decontaminated: In[Verdict],
    prompts: InFiles,
    models: InFiles,
    workings: OutDir[WorkingsManifest],
    rejects: Out[Reject],
    failures: Out[Failure],
    metrics: Metrics,
) -> None:
    encode = open_encoder(params.encoder, models, execution)
    named = skills(
        references.read(), decontaminated.read(), prompts, encode, params, execution, teacher_tokens
    )
    with workings.open() as directory:
        save_workings(named.workings, directory)
    rejects.write(named.rejects)
    failures.write(named.failures)
    metrics.write(named.metrics)


if __name__ == "__main__":
    run(main)
