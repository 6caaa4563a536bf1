"""The certificate of decontamination with its hits, as markup."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import In, InDir
from jz3.report.rendering import code, folded, joined, paragraph, table, titled
from jz3.report.writing import count
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.hit import Hit

SHOWN = 200  # chosen: pairs of text on the page; the certificate has all


def certificate_section(certificate: InDir[CertificateManifest]) -> Markup:
    """What was checked, with what and how, and each pair of texts that was found."""
    manifest = certificate.manifest()
    hits = In(Hit, certificate.path / "hits.parquet").read()
    said = (
        f"The set “{manifest.certified}” ({count(manifest.rows)} rows, digest {manifest.certified_digest}) "
        f"was compared with every item of the benchmarks below. {count(hits.height)} pairs were found; those "
        f"of class number_masked (the same words with other numbers) drop nothing."
    )
    head = ["benchmark", "revision", "items", "items hit", "hits by class", "digest of the items"]
    checks = [
        [
            check.benchmark,
            check.revision,
            count(check.items),
            count(check.hit_items),
            ", ".join(f"{name} {count(rows)}" for name, rows in check.hits_by_class.items()) or "none",
            code(check.items_digest),
        ]
        for check in manifest.benchmarks
    ]
    method = [[name, str(value)] for name, value in manifest.method.items()]
    return titled(
        f"Of the {manifest.certified} rows",
        paragraph(said),
        table(
            f"Benchmarks compared with the {manifest.certified} rows",
            head,
            checks,
            frozenset({"items", "items hit"}),
        ),
        folded(
            "Method: thresholds",
            table(
                f"Thresholds of the comparison with the {manifest.certified} rows",
                ["threshold", "value"],
                method,
            ),
        ),
        _hits(hits),
    )


def audit_section(sets: Mapping[str, Any]) -> Markup:
    """The results of the audit of the sets upstream."""
    head = ["set", "rows", "rows with a hit", "items hit", "pairs by class"]
    lines = [
        [
            name,
            count(found["rows"]),
            count(found["hit_rows"]),
            count(found["hit_items"]),
            ", ".join(f"{kind} {count(pairs)}" for kind, pairs in found["hits_by_class"].items()),
        ]
        for name, found in sets.items()
    ]
    said = "Upstream of synthesis nothing is removed. The same comparison of what was read there:"
    return joined(
        [
            paragraph(said),
            table(
                "Hits in what was read upstream",
                head,
                lines,
                frozenset({"rows", "rows with a hit", "items hit"}),
            ),
        ]
    )


def _hits(hits: pl.DataFrame) -> Markup:
    if not hits.height:
        return paragraph("There is no hit to show.")
    lines = [
        [row["hit_class"], row["item_id"], row["row_text"], row["item_text"]]
        for row in hits.sort("hit_class", "item_id", "row_id").head(SHOWN).iter_rows(named=True)
    ]
    title = f"Hits: {count(len(lines))} of {count(hits.height)}"
    return folded(
        title,
        table("Pairs of texts that were found", ["class", "item", "row of the set", "benchmark item"], lines),
    )
