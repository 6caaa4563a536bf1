"""Find rows that repeat an item of a benchmark."""

from jz3.core.artifacts import In, Metrics, Out, OutDir
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.curation.decontaminate import decontaminate, questions_of
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
    found = decontaminate(questions_of(problems), items.read(), params, execution.threads)
    verdicts.write(found.verdicts)
    found.certify(certificate.path.name, certificate)
    metrics.write(found.metrics(problems.rows()))


if __name__ == "__main__":
    run(main)
