"""The tables of trainings show what the metrics say, and nothing if there are none."""

import re

from jz3.report.trainings import held_out_tables, training_table

GROUP = {"rows": 3, "base": 4.9541, "before_decay": 0.2549, "final": 0.1468}
MEASURED = {
    "finetune/initial": {"steps": 96, "blocks": 20, "tokens": 9201, "fill": 0.902, "last_epoch_loss": 0.257},
    "mix/jiuzhang": {"rows": {}},
    "pack/jiuzhang": {"fill": 0.99},
    "pretrain/jiuzhang": {"steps": 1525, "tokens": 1003219, "loss": 0.232, "held_out": {"arxiv/cot": GROUP}},
    "pretrain/instruct_only": {"steps": 1, "tokens": 2, "loss": 3.0, "held_out": {}},
}  # fmt: skip


def cells(page):
    return re.findall(r"<t[dh](?: [^>]*)?>([^<]*)", page)


def test_each_training_has_a_line_with_its_fill():
    found = cells(training_table(MEASURED))
    assert found[5:10] == ["finetune/initial", "96", "9,201 an epoch", "90.2 %", "0.257"]
    assert found[10:15] == ["pretrain/jiuzhang", "1,525", "1,003,219", "99.0 %", "0.232"]
    assert found[15:] == ["pretrain/instruct_only", "1", "2", "not known", "3.000"]


def test_the_loss_on_held_out_rows_stands_by_source_and_kind():
    page = held_out_tables(MEASURED)
    assert cells(page)[5:] == ["arxiv/cot", "3", "4.954", "0.255", "0.147"]
    assert "pretrain/instruct_only: no row was held out." in page


def test_figures_are_aligned_and_names_are_not():
    for page in (training_table(MEASURED), held_out_tables(MEASURED)):
        heads = re.findall(r'<th scope="col"( class="number")?>', page)
        assert heads == ["", *[' class="number"'] * (len(heads) - 1)]
