"""JiuZhang3.0 on one page: the whole method, from raw texts to graded models, over the functions of jz3.

    python examples/jiuzhang.py OUT          # in a clone; OUT gets the bytes that `dvc repro` leaves in data/

DVC runs these functions as stages, each in a process of its own, and runs again only what changed; here they
stand in the order of the paper (https://arxiv.org/abs/2405.14365). Parameters come from params.yaml, how to
run from execution.yaml. What was computed or paid before comes from the row store, as in the graph. Left out
is what only looks at the run: correctness, audit, probe, sketch, tables, card and report; and other recipes.
"""

import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import polars as pl
import yaml

from jz3.core.artifacts import In, InDir, InFiles, Out, OutDir, T
from jz3.core.budget import Budget
from jz3.core.execution import load_execution
from jz3.core.fan_in import InTables
from jz3.core.params import load_params
from jz3.corpus.compose import ComposeParams, compose
from jz3.corpus.ingest import IngestParams, ingest
from jz3.corpus.sample import SampleParams, draw, passage_frames, passage_ids, passages_of
from jz3.corpus.templates import read_templates
from jz3.curation.decontaminate import decontaminate, questions_of
from jz3.curation.dedup import DedupParams, dedup
from jz3.curation.execute import ExecuteParams, execute
from jz3.curation.filter import FilterParams, judge_copies, judge_form, judge_samples
from jz3.curation.mix import Companions, Judged, MixParams, mix
from jz3.curation.overlap import DecontaminateParams
from jz3.curation.released import index_notes, read_releases
from jz3.evaluation.answer import AnswerParams, answer
from jz3.evaluation.certificates import read_contamination
from jz3.evaluation.grade import GradeParams, apart, grade
from jz3.generation.engines import open_engine
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.values import influence_values
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import WarmupParams
from jz3.selection.select import SelectParams, select
from jz3.synthesis.parse import ParseParams, parse
from jz3.synthesis.synthesize import Synthesis, SynthesizeParams, form_of
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.certificate_manifest import CertificateManifest
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.completion import Completion
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.grade import Grade
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.item import Item
from jz3.tables.lineage import Lineage
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.response import Response
from jz3.tables.target import Target
from jz3.tables.thought import Thought
from jz3.tables.training_row import TrainingRow
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict
from jz3.tasks.benchmarks import BenchmarksParams, collect_items
from jz3.tasks.tasks import TasksParams, gather
from jz3.teacher.distill import distill
from jz3.teacher.teacher import Teachers
from jz3.training.base import BaseParams, base
from jz3.training.finetune import FinetuneParams, finetune
from jz3.training.pack import PackParams, pack
from jz3.training.pretrain import PretrainParams, pretrain

RECIPE = "jiuzhang"
MODELS = (RECIPE, "instruct_only")  # with and without the synthetic problems
SEED = 0  # of their trainings, as graph.yaml has it

out, raw = Path(sys.argv[1]), Path("data/raw")
execution = load_execution()


def left(
    kind: type[T],
    name: str,
    rows: pl.DataFrame | Iterable[pl.DataFrame],
    notes: Mapping[str, str] | None = None,
) -> In[T]:
    """A table checked, sorted by key and put under OUT; `rows` as a frame, or as frames in key order."""
    table = Out(kind, out / name)
    if isinstance(rows, pl.DataFrame):
        table.write(rows, notes)
    else:
        table.sink(rows, notes)
    return In(kind, table.path)


def passages() -> dict[str, In[Passage]]:
    """Texts of each source, cut; and of them those that each round reads, drawn by hash."""
    sources = yaml.safe_load(Path("graph.yaml").read_text())["sources"]
    for source, folder in sources.items():
        cut = ingest(InFiles(Path(folder)), load_params(IngestParams, f"ingest.{source}"))
        Out(Passage, out / "passages" / source).sink_unsorted(cut)
    tables = InTables(Passage, tuple(out / "passages" / source for source in sources)).tables()
    drawn = draw(passage_ids(tables), load_params(SampleParams, "sample"))
    return {
        name: left(Passage, f"sample/{name}", passages_of(name, passage_frames(tables), drawn))
        for name in ("initial", "candidates", "corpus")
    }


def composed(name: str, sample: In[Passage]) -> In[Prompt]:
    """Passages in the templates of their levels."""
    params = load_params(ComposeParams, "compose")
    templates = read_templates(InFiles(Path("data/prompts")), params.levels)
    prompts = Out(Prompt, out / "composed" / name)
    prompts.sink_unsorted(compose(sample.scan(), sample.frames(), templates, params))
    return In(Prompt, prompts.path)


def taught(name: str, prompts: In[Prompt], start: Path) -> InDir[ModelManifest]:
    """The teacher writes a problem for each prompt, and a synthesis model learns to write such problems."""
    kd_set = distill(prompts.read(), load_params(Teachers, "distill"), execution)
    problems = left(Problem, f"kd/{name}.parquet", kd_set.problems).read()
    params = load_params(FinetuneParams, f"finetune.{name}")
    model = OutDir(ModelManifest, out / "models/synthesis" / name)
    with model.open() as directory:
        finetune(problems, prompts.read(), start, directory, out / "live/finetune" / name, params, execution)
    return InDir(ModelManifest, model.path)


def synthesized(
    name: str, prompts: In[Prompt], model: InDir[ModelManifest], problems: str = RECIPE
) -> In[Problem]:
    """A synthesis model writes problems, which are parsed."""
    params = load_params(SynthesizeParams, "synthesize")
    with open_engine(params.engine, model, params.dtype, execution) as engine:
        synthesis = Synthesis(prompts.scan(), form_of(model), engine, params, execution)
        written = left(Completion, f"completions/{name}", synthesis.completions(), synthesis.notes())
    form = load_params(ParseParams, "parse")
    parsed = parse(written.frames(), written.rows(), prompts.scan(), form, execution.threads)
    return left(Problem, f"problems/{problems}", parsed)


def valuable(
    candidates: In[Problem], prompts: dict[str, In[Prompt]], targets: In[Target], start: Path
) -> In[Prompt]:
    """The initial prompts, and those whose problems help a reference model most with the target tasks."""
    checkpoints = OutDir(CheckpointsManifest, out / "models/reference")
    with checkpoints.open() as directory:
        warmup(candidates.read(), start, directory, load_params(WarmupParams, "warmup"), execution)
    trained, params = InDir(CheckpointsManifest, checkpoints.path), load_params(AttributeParams, "attribute")
    attributed = attribute(candidates.read(), targets.read(), trained, params, execution)
    left(InfluenceScore, "influence/scores.parquet", attributed.scores)
    values = left(Value, "values/influence.parquet", influence_values(attributed.scores)).read()
    first, second = prompts["candidates"].read(), prompts["initial"].read()
    chosen = select(values, candidates.read(), first, second, load_params(SelectParams, "select.boosted"))
    return left(Prompt, "composed/boosted", chosen.boosted)


def compared(name: str, rows: In[Problem], items: In[Item]) -> In[Verdict]:
    """Rows that repeat an item of a benchmark, and a certificate of what was compared."""
    params = load_params(DecontaminateParams, "decontaminate")
    found = decontaminate(questions_of(rows), items.read(), params, execution.threads)
    found.certify(name, OutDir(CertificateManifest, out / "certificates" / name))
    return left(Verdict, f"verdicts/decontaminate/{name}.parquet", found.verdicts)


def curated(
    problems: In[Problem], passages: In[Passage], items: In[Item]
) -> tuple[list[pl.DataFrame], pl.DataFrame]:
    """Verdicts on each problem by program, form, samples, duplicates, benchmarks; what programs printed."""
    executed = execute(problems.scan(), load_params(ExecuteParams, "execute"), execution)
    by_program = left(Verdict, f"verdicts/execute/{RECIPE}.parquet", executed.verdicts)
    params = load_params(FilterParams, "filter.default")
    judged = judge_copies(judge_form(problems.frames(), params), problems.scan(), passages.scan(), params)
    unsolved = In(PassRate, raw / "none/pass_rates.parquet")  # no solver checks the problems
    judged = judge_samples(judged, problems.scan(), unsolved, params)
    by_form = left(Verdict, f"verdicts/filter/{RECIPE}.parquet", judged)
    earlier, near = [by_program.read(), by_form.read()], load_params(DedupParams, "dedup")
    notes = index_notes(near.bands, near.rows_per_band)
    released = read_releases(InFiles(raw / "releases"), near.releases, notes)
    repeats = dedup(problems.scan(), earlier, released, near, execution.threads, out)
    by_dedup = left(Verdict, f"verdicts/dedup/{RECIPE}.parquet", repeats.verdicts)
    results = left(ExecutionResult, f"execution_results/{RECIPE}", executed.results).read()
    return [*earlier, by_dedup.read(), compared(RECIPE, problems, items).read()], results


def trained(name: str, synthetic: Judged, instruction: Judged, results: pl.DataFrame, start: Path) -> Path:
    """The training set of a final model, packed, and the model trained on it."""
    wanted = load_params(MixParams, f"mix.{name}")
    unspoken = In(Thought, raw / "none/thoughts.parquet").scan()  # the teacher shows no thoughts
    unseeded = In(Lineage, raw / "none/lineage.parquet").scan()  # its problems are of passages
    mixed = mix(synthetic, instruction, Companions(results, unseeded, unspoken), wanted, out)
    rows = left(TrainingRow, f"mix/{name}", mixed)
    blocks = OutDir(BlocksManifest, out / "packed" / name)
    with blocks.open() as directory:
        pack(rows, start, directory, load_params(PackParams, "pack"))
    before = OutDir(ModelManifest, out / "models/before_decay" / name)
    model = OutDir(ModelManifest, out / "models/final" / name)
    params, live = load_params(PretrainParams, "pretrain"), out / "live/pretrain" / name
    tokens, read = load_params(Budget, "budget").training_tokens, InDir(BlocksManifest, blocks.path)
    with before.open() as earlier, model.open() as final:
        pretrain(read, start, earlier, final, live, params, tokens, SEED, execution)
    return model.path


def graded(name: str, model: Path, items: In[Item]) -> In[Grade]:
    """A final model answers the benchmarks, and its answers are judged."""
    params, manifest = load_params(AnswerParams, "answer"), InDir(ModelManifest, model)
    with open_engine(params.engine, manifest, params.dtype, execution) as engine:
        answered = answer(items.read(), InFiles(raw / "shots"), engine, params, execution)
    responses = left(Response, f"responses/{name}.parquet", answered.responses).read()
    by_set = [InDir(CertificateManifest, out / "certificates" / name) for name in (RECIPE, "instruction")]
    contamination = read_contamination(In(TrainingRow, out / "mix" / name), *by_set)
    rule = load_params(GradeParams, "grade")
    grades, _ = grade(responses, items.read(), contamination, rule)
    development, _ = apart(grades, rule)
    return left(Grade, f"grades/{name}.parquet", development)


# Texts, templates, target tasks, benchmarks and base models.
sample = passages()
prompts = {name: composed(name, drawn) for name, drawn in sample.items()}
gathered = gather(InFiles(raw / "tasks"), load_params(TasksParams, "tasks"))
targets = left(Target, "tasks/targets.parquet", gathered.targets)
instructions = left(Problem, "tasks/instructions.parquet", gathered.instructions)
collected, *_ = collect_items(InFiles(raw / "benchmarks"), load_params(BenchmarksParams, "benchmarks"))
items = left(Item, "tasks/items.parquet", collected)
places = [out / "models/base" / name for name in ("synthesis", "reference", "final")]
writer, reference, final = (OutDir(ModelManifest, place) for place in places)
with writer.open() as one, reference.open() as two, final.open() as three:
    params, hub = load_params(BaseParams, "base"), InFiles(raw / "models")
    base(sample["corpus"].read(), params, hub, one, two, three, execution)

# First round: a small knowledge-distillation set teaches the initial model, which writes candidates.
initial = taught("initial", prompts["initial"], writer.path)
candidates = synthesized("candidates", prompts["candidates"], initial, "candidates")

# Second round: the teacher answers the prompts of the most valuable candidates too.
prompts["boosted"] = valuable(candidates, prompts, targets, reference.path)
boosted = taught("boosted", prompts["boosted"], writer.path)
problems = synthesized("corpus", prompts["corpus"], boosted)

# Curation, training, and evaluation with and without the synthetic problems.
verdicts, results = curated(problems, sample["corpus"], items)
synthetic = Judged(problems.scan(), verdicts)
instruction = Judged(instructions.scan(), [compared("instruction", instructions, items).read()])
for name in MODELS:
    model = trained(name, synthetic, instruction, results, final.path)
    accuracy = pl.col("correct").mean().alias(name)
    print(graded(name, model, items).read().group_by("benchmark").agg(accuracy).sort("benchmark"))
