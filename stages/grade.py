"""Judge the responses against the gold answers."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.stage import run
from jz3.evaluation.certificates import read_contamination
from jz3.evaluation.grade import GradeParams, apart, grade
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.grade import Grade
from jz3.tables.item import Item
from jz3.tables.response import Response
from jz3.tables.training_row import TrainingRow


def main(
    params: GradeParams,
    responses: In[Response],
    items: In[Item],
    training: In[TrainingRow],
    synthetic: InDir[CertificateManifest],
    instruction: InDir[CertificateManifest],
    grades: Out[Grade],
    test_grades: Out[Grade],
    metrics: Metrics,
) -> None:
    contamination = read_contamination(training, synthetic, instruction)
    graded, account = grade(responses.read(), items.read(), contamination, params)
    development, test = apart(graded, params)
    grades.write(development)
    test_grades.write(test)
    metrics.write(account)


if __name__ == "__main__":
    run(main)
