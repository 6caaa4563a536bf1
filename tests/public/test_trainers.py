"""The rewards inside TRL and verl, and exports read by TRL, verl and lm-eval, by their own code; what is not
installed is not tested.

NeMo-RL requires Python 3.13: `test_public.py` calls its signature.
"""

import json

import pytest

import jz3.reward
from jz3.export.export import export
from jz3.export.formats import ASKED, FORMATS
from jz3.export.sources import exported

pytestmark = pytest.mark.long
GOLD = "1/2"
SAID = ["It is one half, so \\boxed{0.5}.", "So the answer is 3.", "\\boxed{\\int_0^1 x\\,dx}"]
REWARDS = [1.0, 0.0, 1.0]
WRITTEN = {"What is 2 + 3?": "5", "Say\u2028it: ℝ": "1,800", "Half of one?": "\\frac{1}{2}"}
"""Answers by problem."""
TURNS = "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
"""A chat template."""


def written(folder, form):
    """What `jz3 export` leaves of a user's file."""
    rows = [{"problem": text, "solution": f"So \\boxed{{{gold}}}."} for text, gold in WRITTEN.items()]
    (folder / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = exported(str(folder / "mine.jsonl"), None)
    assert export(found.rows, found.table, FORMATS[form], folder / form).rows.kept == len(WRITTEN)
    return folder / form


def a_tokenizer():
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    split = Tokenizer(models.WordLevel({"<pad>": 0, "?": 1}, unk_token="?"))
    split.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=split, pad_token="<pad>", chat_template=TURNS)


def test_verl_scores_a_batch_with_the_function_that_its_settings_name():
    pytest.importorskip("verl", reason="verl is not installed")
    import numpy as np
    import torch
    from omegaconf import OmegaConf
    from verl import DataProto
    from verl.trainer.ppo.reward import get_custom_reward_fn
    from verl.workers.reward_manager import NaiveRewardManager

    class Letters:
        """A tokenizer with one token per letter, in place of a model's."""

        def decode(self, ids, skip_special_tokens):
            assert skip_special_tokens
            return "".join(map(chr, ids.tolist()))

    longest = max(map(len, SAID))
    responses = torch.tensor([[*map(ord, text), *[0] * (longest - len(text))] for text in SAID])
    held = torch.tensor([[1] * (1 + len(text)) + [0] * (longest - len(text)) for text in SAID])
    batch = DataProto.from_dict(
        tensors={"prompts": torch.full((3, 1), 63), "responses": responses, "attention_mask": held},
        non_tensors={
            "reward_model": np.array([{"ground_truth": GOLD}] * 3, dtype=object),
            "data_source": np.array(["jz3/jiuzhang"] * 3, dtype=object),
            "extra_info": np.array([{} for _ in SAID], dtype=object),
        },
    )
    named = {"path": jz3.reward.__file__, "name": "compute_score"}
    score = get_custom_reward_fn(OmegaConf.create({"reward": {"custom_reward_function": named}}))
    rewards = NaiveRewardManager(Letters(), num_examine=0, compute_score=score)(batch)
    assert rewards.sum(-1).tolist() == REWARDS


def test_trl_trains_a_step_by_the_reward(tmp_path):
    pytest.importorskip("trl", reason="TRL is not installed")
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from trl import GRPOConfig, GRPOTrainer

    seen = []

    def reward(prompts, completions, **columns):
        found = jz3.reward.accuracy_reward(prompts, completions, **columns)
        seen.append(
            (columns["answer"], found, jz3.reward.accuracy_reward(completions=SAID, answer=[GOLD] * 3))
        )
        return found

    words = {word: number for number, word in enumerate(["<pad>", "</s>", "?", "1", "2", "3"])}
    split = Tokenizer(models.WordLevel(words, unk_token="?"))
    split.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=split, pad_token="<pad>", eos_token="</s>")
    size = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1}
    settings = GRPOConfig(
        output_dir=str(tmp_path),
        max_steps=1,
        per_device_train_batch_size=2,
        num_generations=2,
        max_completion_length=3,
        use_cpu=True,
        bf16=False,
        report_to=[],
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=LlamaForCausalLM(LlamaConfig(vocab_size=len(words), pad_token_id=0, eos_token_id=1, **size)),
        reward_funcs=reward,
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": "1 ?", "answer": "3"}] * 2),
        processing_class=tokenizer,
    )
    trainer.train()
    ((golds, found, whole),) = seen
    assert golds == ["3", "3"]
    assert set(found) <= {0.0, 1.0}
    assert whole == REWARDS


@pytest.mark.parametrize("form", ["trl-grpo", "trl-sft"])
def test_trl_reads_every_row_as_a_conversation(tmp_path, form):
    pytest.importorskip("trl", reason="TRL is not installed")
    from datasets import load_dataset
    from trl.data_utils import apply_chat_template, is_conversational

    part = written(tmp_path, form) / "part-00000.parquet"
    rows = load_dataset("parquet", data_files=str(part), split="train", cache_dir=str(tmp_path / "cache"))
    assert len(rows) == len(WRITTEN)
    for row, (problem, gold) in zip(rows, WRITTEN.items(), strict=True):
        assert is_conversational(row)
        said = apply_chat_template(row, a_tokenizer())
        if form == "trl-sft":
            assert said == {
                "prompt": f"user: {problem}\n",
                "completion": f"assistant: So \\boxed{{{gold}}}.\n",
            }
        else:
            assert said["prompt"] == f"user: {problem}\n\n{ASKED}\n"


def test_verl_reads_every_row_with_what_its_reward_needs(tmp_path, monkeypatch):
    pytest.importorskip("verl", reason="verl is not installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    from omegaconf import OmegaConf
    from verl.utils.dataset.rl_dataset import RLHFDataset

    part = written(tmp_path, "verl") / "part-00000.parquet"
    settings = {"cache_dir": str(tmp_path / "verl-cache"), "filter_overlong_prompts_workers": 1}
    read = RLHFDataset(str(part), a_tokenizer(), OmegaConf.create(settings))
    assert len(read) == len(WRITTEN)
    for row, (problem, gold) in zip(read, WRITTEN.items(), strict=True):
        assert row["raw_prompt"] == [{"role": "user", "content": f"{problem}\n\n{ASKED}"}]
        assert row["reward_model"]["ground_truth"] == gold
        assert row["data_source"] == "jz3/file"


def test_lm_eval_finds_the_task_asks_each_row_and_grades_by_ours(tmp_path, monkeypatch):
    pytest.importorskip("lm_eval", reason="lm-eval is not installed")
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    from lm_eval.tasks import TaskManager

    folder = written(tmp_path, "lm-eval")
    monkeypatch.chdir(folder)  # the task names its data by a relative path
    manager = TaskManager(include_path=str(folder), include_defaults=False)
    (name,) = manager.all_tasks
    task = manager.load([name])["tasks"][name]
    docs = list(task.test_docs())
    assert len(docs) == len(WRITTEN)
    for doc, (problem, gold) in zip(docs, WRITTEN.items(), strict=True):
        assert task.doc_to_text(doc) == f"{problem}\n\n{ASKED}"
        assert str(task.doc_to_target(doc)) == gold
        for said, right in ((f"It is \\boxed{{{gold}}}.", 1.0), ("It is \\boxed{77}.", 0.0)):
            assert task.process_results(doc, [said]) == {"exact_match": right}
