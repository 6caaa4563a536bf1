"""The rewards inside TRL and verl, by their own code; a trainer that is not installed is not tested.

NeMo-RL requires Python 3.13: `test_public.py` calls its signature.
"""

import pytest

import jz3.reward

pytestmark = pytest.mark.long
GOLD = "1/2"
SAID = ["It is one half, so \\boxed{0.5}.", "So the answer is 3.", "\\boxed{\\int_0^1 x\\,dx}"]
REWARDS = [1.0, 0.0, 1.0]


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
