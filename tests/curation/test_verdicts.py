"""What curation shares: one rule for each row that any of its stages rejects, and an account of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.verdicts import rejected_ids, rules_by_row, shown, verdict_ledger
from tests.curation.rows import verdicts

RULES = st.dictionaries(st.sampled_from("abcdef"), st.none() | st.sampled_from(["filter.x", "dedup.y"]))


@given(st.lists(RULES, max_size=4))
def test_a_row_has_the_rule_of_the_first_table_that_rejects_it(tables):
    wanted = {}
    for table in tables:
        for row_id, rule in table.items():
            if rule is not None:
                wanted.setdefault(row_id, rule)
    frames = [verdicts(table) for table in tables]
    found = rules_by_row(frames)
    assert found.select("problem_id", "rule").rows() == list(wanted.items())
    assert sorted(rejected_ids(frames)["problem_id"]) == sorted(wanted)


@given(RULES)
def test_the_account_counts_what_is_kept_and_what_each_rule_rejects(rules):
    found = verdict_ledger(verdicts(rules), len(rules))
    rejected = sorted(rule for rule in rules.values() if rule is not None)
    assert found.kept == len(rules) - len(rejected)
    assert list(found.rejected.items()) == [(rule, rejected.count(rule)) for rule in sorted({*rejected})]
    with pytest.raises(ValueError, match="accounts for"):
        verdict_ledger(verdicts(rules), len(rules) + 1)


def test_evidence_is_a_text_or_the_beginning_of_a_long_one():
    assert shown("a" * 200) == "a" * 200
    assert shown("a" * 201) == "a" * 197 + "..."
