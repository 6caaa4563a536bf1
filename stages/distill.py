"""Let the teacher write a problem for each prompt."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.budget import TeacherTokens
from jz3.core.execution import Execution
from jz3.core.params import Share
from jz3.core.stage import run
from jz3.tables.failure import Failure
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.teacher.distill import cap_of, distill
from jz3.teacher.teacher import Teachers


def main(
    params: Teachers,
    teacher_tokens: TeacherTokens,
    share: Share,
    execution: Execution,
    prompts: In[Prompt],
    first: In[Passage],
    problems: Out[Problem],
    rejects: Out[Reject],
    failures: Out[Failure],
    answers: Out[TeacherAnswer],
    metrics: Metrics,
) -> None:
    kd_set = distill(prompts.read(), params, execution, cap_of(teacher_tokens, share, first))
    problems.write(kd_set.problems)
    rejects.write(kd_set.rejects)
    failures.write(kd_set.failures)
    answers.write(kd_set.answers)
    metrics.write(kd_set.metrics)


if __name__ == "__main__":
    run(main)
