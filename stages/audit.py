"""Report which passages and KD problems repeat an item of a benchmark."""

from jz3.core.artifacts import In, Metrics, OutDir
from jz3.core.fan_in import InTables
from jz3.core.stage import run
from jz3.curation.audit import audit, save_certificates
from jz3.curation.overlap import DecontaminateParams
from jz3.tables.audit_manifest import AuditManifest
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem


def main(
    params: DecontaminateParams,
    passages: In[Passage],
    kd_sets: InTables[Problem],
    items: In[Item],
    certificates: OutDir[AuditManifest],
    metrics: Metrics,
) -> None:
    audited = audit(passages, kd_sets.tables(), items.read(), params)
    with certificates.open() as directory:
        save_certificates(audited, directory)
    metrics.write(audited.metrics)


if __name__ == "__main__":
    run(main)
