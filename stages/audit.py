"""Say which passages and KD problems repeat a benchmark's item."""

from jz3.core.artifacts import In, Metrics, OutDir
from jz3.core.stage import run
from jz3.curation.audit import FRAME_ROWS, as_questions, audit, audit_metrics
from jz3.curation.overlap import DecontaminateParams
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem


def main(
    params: DecontaminateParams,
    passages: In[Passage],
    initial: In[Problem],
    boosted: In[Problem],
    items: In[Item],
    passages_certificate: OutDir[CertificateManifest],
    initial_certificate: OutDir[CertificateManifest],
    boosted_certificate: OutDir[CertificateManifest],
    metrics: Metrics,
) -> None:
    checked = items.read()
    sets = {
        "passages": audit(as_questions(passages.frames(FRAME_ROWS)), checked, params, passages_certificate),
        "kd_initial": audit(initial.frames(FRAME_ROWS), checked, params, initial_certificate),
        "kd_boosted": audit(boosted.frames(FRAME_ROWS), checked, params, boosted_certificate),
    }
    metrics.write(audit_metrics(sets, passages.rows() + initial.rows() + boosted.rows()))


if __name__ == "__main__":
    run(main)
