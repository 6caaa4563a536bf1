"""Write the dataset card of the curated set."""

from jz3.core.artifacts import In, InDir, InFiles, InMetrics, Metrics, OutText
from jz3.core.stage import run
from jz3.curation.card import Facts, card_metrics, digests, examples_of, origins_of, write_card
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.completion import Completion
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow


def main(
    training: In[TrainingRow],
    problems: In[Problem],
    passages: In[Passage],
    completions: In[Completion],
    templates: InFiles,
    model: InDir[ModelManifest],
    base: InDir[ModelManifest],
    certificate: InDir[CertificateManifest],
    measured: InMetrics,
    card: OutText,
    metrics: Metrics,
) -> None:
    facts = Facts(
        rows=training.rows(),
        origins=origins_of(training.scan(), problems.scan(), passages.scan()),
        examples=examples_of(training.scan()),
        measured=measured.read(),
        templates=digests(templates.matching("full/*.md", "compact/*.md")),
        notes=completions.notes(),
        model=model.manifest(),
        base=base.manifest(),
        certificate=certificate.manifest(),
    )
    card.write(write_card(facts))
    metrics.write(card_metrics(facts))


if __name__ == "__main__":
    run(main)
