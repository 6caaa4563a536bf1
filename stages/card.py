"""Write the dataset card of the training sets."""

from jz3.core.artifacts import InDir, InFiles, Metrics, OutText
from jz3.core.fan_in import InDirs, InMetrics, InTables
from jz3.core.stage import run
from jz3.curation.card import Facts, card_metrics, digests, training_sets, write_card
from jz3.curation.right_rows import right_rows
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.completion import Completion
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow


def main(
    training: InTables[TrainingRow],
    problems: InTables[Problem],
    checked: InTables[CheckedProblem],
    passages: InTables[Passage],
    completions: InTables[Completion],
    templates: InFiles,
    models: InDirs[ModelManifest],
    base: InDir[ModelManifest],
    certificates: InDirs[CertificateManifest],
    measured: InMetrics,
    card: OutText,
    metrics: Metrics,
) -> None:
    facts = Facts(
        sets=training_sets(training, problems, passages),
        measured=measured.read(),
        templates=digests(templates.matching("full/*.md", "compact/*.md")),
        completions=completions.notes(),
        models=models.manifests(),
        base=base.manifest(),
        certificates=certificates.manifests(),
        right=right_rows(checked.tables(), training.tables()),
    )
    card.write(write_card(facts))
    metrics.write(card_metrics(facts))


if __name__ == "__main__":
    run(main)
