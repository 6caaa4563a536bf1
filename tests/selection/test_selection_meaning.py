"""Selection by value finds what the target tasks are about: they cover a third of the families."""

import pytest

from tests.benchmark_figures import figures_of

pytestmark = pytest.mark.long


def test_families_of_the_targets_are_enriched_among_the_problems_of_highest_value(tmp_path):
    figures = figures_of("selection", tmp_path)
    assert figures["enrichment_10_least"] >= 1.5
    assert figures["enrichment_20_least"] >= 1.5
    assert figures["enrichment_20_length_matched"] == pytest.approx(1.0, abs=0.25)
