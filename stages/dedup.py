"""Find duplicates among the problems that earlier curation stages kept."""

from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.curation.dedup import DedupParams, dedup
from jz3.curation.released import index_notes, read_releases
from jz3.tables.problem import Problem
from jz3.tables.question_index import QuestionIndex
from jz3.tables.verdict import Verdict


def main(
    params: DedupParams,
    execution: Execution,
    problems: In[Problem],
    executed: In[Verdict],
    filtered: In[Verdict],
    releases: InFiles,
    verdicts: Out[Verdict],
    index: Out[QuestionIndex],
    metrics: Metrics,
) -> None:
    notes = index_notes(params.bands, params.rows_per_band)
    released = read_releases(releases, params.releases, notes)
    earlier = [executed.read(), filtered.read()]
    found = dedup(problems.scan(), earlier, released, params, execution.threads, verdicts.scratch)
    verdicts.write(found.verdicts)
    index.sink(found.index(), notes)
    metrics.write(found.metrics)


if __name__ == "__main__":
    run(main)
