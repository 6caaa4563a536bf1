"""What a licence's name says about rows that are derived from a text."""

from dataclasses import replace

import pytest

from jz3.graph.publishing.licences import SourceLicence, objection, refusals, table_of

ALLOWING = [
    *(
        "MIT",
        "mit",
        "The MIT License (MIT)",
        "Apache-2.0",
        "Apache License 2.0",
        "BSD",
        "BSD-3-Clause",
        "3-Clause BSD",
    ),
    *(
        "CC0-1.0",
        "CC-BY-4.0",
        "CC-BY-SA-4.0",
        "CC-BY-NC-SA-4.0",
        "cc-by-nc-4.0",
        "ODC-BY",
        "GFDL-1.3-or-later",
    ),
    *(
        "GPLv3",
        "GPL-2.0-or-later WITH Classpath-exception-2.0",
        "LGPL-2.1",
        "Public Domain",
        "Unlicense",
        "PSF-2.0",
    ),
    *("License :: OSI Approved :: MIT License", "MIT OR LicenseRef-Ours", "(Apache-2.0 AND MIT)"),
    *("http://creativecommons.org/licenses/by/4.0/", "https://creativecommons.org/publicdomain/zero/1.0/"),
    *("Creative Commons Attribution 4.0", "https://opensource.org/licenses/MIT"),
]
FORBIDDING = [
    *("CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "cc by-nd", "http://creativecommons.org/licenses/by-nc-nd/4.0/"),
    *(
        "Creative Commons Attribution-NoDerivatives",
        "CC BY No Derivatives",
        "All rights reserved",
        "Proprietary",
    ),
    *("http://arxiv.org/licenses/nonexclusive-distrib/1.0/", "UNLICENSED", "MIT AND CC-BY-ND-4.0"),
    *("CC-BY-4.0, CC-BY-ND-4.0", "CC-BY-ND-4.0 OR CC-BY-NC-ND-4.0"),
]
UNCLEAR = [
    None,
    "",
    " ",
    "unknown",
    "NOASSERTION",
    "other",
    "custom",
    "mitigated",
    "llama3",
    "see LICENSE",
    "MIT AND x",
]


@pytest.mark.parametrize("licence", ALLOWING)
def test_a_licence_that_allows(licence):
    assert objection(licence) is None


@pytest.mark.parametrize("licence", FORBIDDING)
def test_a_licence_that_forbids(licence):
    assert objection(licence) not in (None, objection("custom"), objection(None))


@pytest.mark.parametrize("licence", UNCLEAR)
def test_what_is_not_clear_is_no_leave(licence):
    assert objection(licence) in (objection("custom"), objection(None))


def test_each_source_that_may_not_go_out_is_named_once():
    one = SourceLicence("ours", "web", "a page", "CC-BY-ND-4.0", 3)
    others = [replace(one, training_set="theirs", rows=2), replace(one, source="own", licence="MIT", rows=9)]
    found = refusals([one, *others, SourceLicence("ours", "sft", "instruction rows", None, 5)])
    assert found == [
        "sft (instruction rows): its licence is not known; 5 rows",
        "web (a page): CC-BY-ND-4.0 forbids changed copies (NoDerivatives), and a problem written after a "
        "text is one; 3 rows",
    ]
    assert table_of([one, *others])["rows"].to_list() == [3, 2, 9]
