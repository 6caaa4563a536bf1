"""A table is written completely or not at all, sorted by key, and checked when read; damage is named."""

import json
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from jz3.core import table_bytes
from jz3.core.artifacts import ArtifactError, In, InDir, InFiles, Metrics, Out, OutDir, Plot
from jz3.core.fan_in import InDirs, InMetrics, InPlots, InTables


class Fruit(dy.Schema):
    fruit_id = dy.String(primary_key=True)
    weight = dy.Int64(min=0)


def fruits(*ids):
    return pl.DataFrame(
        {"fruit_id": ids, "weight": [len(i) for i in ids]}, schema=Fruit.create_empty().schema
    )


@settings(max_examples=40)
@given(st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=20), st.booleans())
def test_what_is_written_is_read_back_in_key_order(tmp_path_factory, ids, parts):
    path = tmp_path_factory.mktemp("t") / ("fruits" if parts else "fruits.parquet")
    Out(Fruit, path).write(fruits(*ids))
    table = In(Fruit, path)
    assert list(table.read()["fruit_id"]) == sorted(ids)
    assert table.rows() == len(ids)
    pieces = list(table.frames(3))
    assert [row for piece in pieces for row in piece["fruit_id"]] == sorted(ids)
    assert all(piece.height <= 3 for piece in pieces)
    weights = pl.concat([pl.DataFrame(schema={"weight": pl.Int64}), *table.columns("weight", rows=3)])
    assert weights["weight"].to_list() == [len(i) for i in sorted(ids)]


def test_parts_are_cut_by_size_and_listed(tmp_path, monkeypatch):
    monkeypatch.setattr(table_bytes, "PART_BYTES", 200)
    out = Out(Fruit, tmp_path / "fruits")
    out.sink(fruits(f"a{i:03}") for i in range(100))
    manifest = json.loads((tmp_path / "fruits" / "manifest.json").read_text())
    assert manifest["rows"] == sum(manifest["parts"].values()) == 100
    assert len(manifest["parts"]) > 3
    assert In(Fruit, tmp_path / "fruits").read().height == 100


def test_the_same_rows_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        Out(Fruit, tmp_path / f"{name}.parquet").write(
            fruits("x", "yy") if name == "a" else fruits("yy", "x")
        )
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


@pytest.mark.parametrize("ids", [["a", "a"], ["b", "a"]])
def test_frames_that_are_not_in_key_order_are_our_mistake(tmp_path, ids):
    with pytest.raises(AssertionError, match="not sorted"):
        Out(Fruit, tmp_path / "fruits").sink(fruits(i) for i in ids)
    assert not (tmp_path / "fruits").exists()


def test_a_row_that_breaks_the_schema_leaves_no_table(tmp_path):
    out = Out(Fruit, tmp_path / "fruits.parquet")
    with pytest.raises(dy.exc.ValidationError, match="min"):
        out.write(fruits("a").with_columns(weight=pl.lit(-1, pl.Int64)))
    assert not out.path.exists()


def test_a_missing_a_truncated_and_another_table_are_each_named(tmp_path):
    path = tmp_path / "fruits.parquet"
    with pytest.raises(ArtifactError, match=r"fruits.parquet does not exist; it should hold Fruit"):
        In(Fruit, path).read()
    Out(Fruit, path).write(fruits("a", "b"))
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ArtifactError, match=r"fruits.parquet cannot be read.*Delete it"):
        In(Fruit, path).read()
    pl.DataFrame({"fruit_id": ["a"]}).write_parquet(path)
    with pytest.raises(ArtifactError, match=r"is not a table of Fruit: it differs in .*weight"):
        In(Fruit, path).read()


def test_a_part_that_the_manifest_lists_must_be_there(tmp_path):
    Out(Fruit, tmp_path / "fruits").write(fruits("a"))
    (tmp_path / "fruits" / "part-00000.parquet").unlink()
    with pytest.raises(ArtifactError, match=r"part-00000.parquet does not exist"):
        In(Fruit, tmp_path / "fruits").read()


class Box(BaseModel):
    size: int


def test_a_directory_takes_its_place_only_with_a_manifest_that_fits(tmp_path):
    out = OutDir(Box, tmp_path / "box")
    with pytest.raises(ArtifactError, match=r"manifest.json does not exist"), out.open():
        pass
    with out.open() as directory:
        (directory / "manifest.json").write_text('{"size": 3}')
    assert InDir(Box, tmp_path / "box").manifest().size == 3
    with pytest.raises(ArtifactError, match="is not a Box"), out.open() as directory:
        (directory / "manifest.json").write_text('{"size": "large"}')
    assert InDir(Box, tmp_path / "box").manifest().size == 3


def test_a_block_that_fails_leaves_the_directory_that_was_there(tmp_path):
    out = OutDir(Box, tmp_path / "box")
    with out.open() as directory:
        (directory / "manifest.json").write_text('{"size": 3}')

    def fail():
        with out.open() as directory:
            (directory / "manifest.json").write_text('{"size": 4}')
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert InDir(Box, tmp_path / "box").manifest().size == 3


def test_metrics_are_named_by_their_place_and_plots_are_csv(tmp_path):
    Metrics(tmp_path / "metrics" / "ingest" / "web.json").write(Box(size=1))
    Plot(Fruit, tmp_path / "fruits.csv").write(fruits("b", "a"))
    assert (tmp_path / "fruits.csv").read_text() == "fruit_id,weight\na,1\nb,1\n"


@pytest.mark.parametrize(
    ("curve", "live"),
    [
        ("data/plots/pretrain/one.csv", "data/live/pretrain/one"),
        ("data/plots/warmup.csv", "data/live/warmup"),
        ("plots/of/data/plots/warmup.csv", "plots/of/data/live/warmup"),
        ("out/plots.csv", "out/plots.live"),
    ],
)
def test_what_differs_from_run_to_run_lies_beside_the_folder_of_curves(curve, live):
    assert Plot(Fruit, Path(curve)).live() == Path(live)


def test_metrics_of_several_stages_are_read_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = (tmp_path / "data" / "metrics" / "ingest" / "web.json").relative_to(tmp_path)
    Metrics(path).write(Box(size=1))
    assert InMetrics((path,)).read() == {"ingest/web": {"size": 1}}


def test_curves_of_several_stages_are_read_by_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = (tmp_path / "data" / "plots" / "fruits.csv").relative_to(tmp_path)
    Plot(Fruit, path).write(fruits("b", "a"))
    assert InPlots(Fruit, (path,)).read()["fruits"].equals(fruits("a", "b"))


def test_several_tables_have_the_names_of_their_paths_in_the_order_given(tmp_path):
    paths = (tmp_path / "one/pears.parquet", tmp_path / "two/apples")
    Out(Fruit, paths[0]).write(fruits("a"))
    Out(Fruit, paths[1]).write(fruits("b", "c"))
    tables = InTables(Fruit, paths)
    assert list(tables.tables()) == ["pears", "apples"]
    assert {name: list(rows["fruit_id"]) for name, rows in tables.read().items()} == {
        "pears": ["a"],
        "apples": ["b", "c"],
    }
    assert InDirs(Box, paths).directories() == {"pears": InDir(Box, paths[0]), "apples": InDir(Box, paths[1])}


def test_two_tables_of_one_name_are_refused(tmp_path):
    paths = (tmp_path / "one/pears.parquet", tmp_path / "two/pears")
    with pytest.raises(ArtifactError, match=r"one/pears\.parquet and .*two/pears are both named 'pears'"):
        InTables(Fruit, paths).read()
    with pytest.raises(ArtifactError, match=r"Rename one of them"):
        InDirs(Box, paths).directories()


def test_files_come_from_inside_their_directory_alone(tmp_path):
    raw = tmp_path / "raw"
    (raw / "deep").mkdir(parents=True)
    (raw / "deep/a.txt").write_text("inside")
    (tmp_path / "secret.txt").write_text("outside")
    files = InFiles(raw)
    assert files.matching("**/*.txt", "deep/*") == [raw / "deep/a.txt"]
    for pattern in ("../*.txt", "deep/../../*.txt", str(tmp_path / "*.txt")):
        with pytest.raises(ArtifactError, match=r"leads out of .*; one for files inside was expected"):
            files.matching(pattern)
    for pattern in ("", "**.txt"):
        with pytest.raises(ArtifactError, match="is not a glob pattern"):
            files.matching(pattern)
    (raw / "b.txt").symlink_to(raw / "deep/a.txt")
    assert len(files.matching("**/*.txt")) == 2
    (raw / "c.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(ArtifactError, match=r"c.txt is a link to .*secret.txt; a file inside"):
        files.matching("**/*.txt")
    (raw / "c.txt").unlink()
    (raw / "folder").symlink_to(tmp_path)
    for pattern in ("*/*.txt", "**/*.txt"):
        with pytest.raises(ArtifactError, match=r"folder\S* is a link to"):
            files.matching(pattern)
    (raw / "folder").unlink()
    (raw / "gone.txt").symlink_to(raw / "nowhere.txt")
    with pytest.raises(ArtifactError, match=r"gone.txt is a link to .*nowhere.txt"):
        files.matching("**/*.txt")
    (raw / "gone.txt").unlink()
    (raw / "same").symlink_to(raw / "deep")
    (raw / ".note").symlink_to(tmp_path)
    assert files.matching("**/*.txt") == [raw / "b.txt", raw / "deep/a.txt"]
