"""Find rows that repeat an item of a benchmark."""

from jz3.core.artifacts import In, Metrics, Out, OutDir
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.curation.decontaminate import FRAME_ROWS, Decontamination
from jz3.curation.overlap import DecontaminateParams
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.item import Item
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict


def main(
    params: DecontaminateParams,
    execution: Execution,
    problems: In[Problem],
    items: In[Item],
    verdicts: Out[Verdict],
    certificate: OutDir[CertificateManifest],
    metrics: Metrics,
) -> None:
    questions = problems.columns("problem_id", "problem", rows=FRAME_ROWS)
    decontamination = Decontamination(items.read(), params).read(questions, execution.threads)
    verdicts.write(decontamination.verdicts())
    decontamination.certify(certificate.path.name, certificate)
    metrics.write(decontamination.metrics(problems.rows()))


if __name__ == "__main__":
    run(main)
