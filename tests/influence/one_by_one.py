"""What scores must be: the formula, by autograd through peft's own layers, one text at a time."""

import torch
from peft import PeftModel
from safetensors.torch import load_file

from jz3.influence.checkpoints import BASE
from jz3.lm.encode import encode_rows
from jz3.lm.model import load_model, load_tokenizer
from jz3.text.training_text import training_input


class OneByOne:
    """A checkpoint as peft opens it, and the gradient of one text at a time."""

    def __init__(self, path, checkpoint):
        base, directory = path / BASE, path / checkpoint.directory
        self.tokenizer = load_tokenizer(base)
        adapted = PeftModel.from_pretrained(load_model(base, "float32"), directory, is_trainable=True)
        self.model = adapted.eval()
        self.weights = {
            name.replace(".default.", "."): weight
            for name, weight in adapted.named_parameters()
            if weight.requires_grad
        }
        self.moments = [
            self.flat(load_file(directory / f"{m}.safetensors")) for m in ("exp_avg", "exp_avg_sq")
        ]

    def flat(self, by_name):
        return torch.cat([by_name[name].flatten() for name in self.weights])

    def gradient(self, question, kind, solution):
        (row,) = encode_rows(self.tokenizer, [training_input(question, kind)], [solution], 400)
        assert row.labels[0] == -100
        assert row.labels[-1] == row.tokens[-1]
        loss = self.model(input_ids=torch.tensor([row.tokens]), labels=torch.tensor([row.labels])).loss
        return self.flat(
            dict(zip(self.weights, torch.autograd.grad(loss, self.weights.values()), strict=True))
        )

    def direction(self, gradient, form, constants):
        """The forms of LESS: of its paper, of its released code, and the plain gradient."""
        beta1, beta2, epsilon = constants
        first = beta1 * self.moments[0] + (1 - beta1) * gradient
        second = beta2 * self.moments[1] + (1 - beta2) * gradient**2
        return {
            "adam": first / (second.sqrt() + epsilon),
            "adam_epsilon_inside": first / (second + epsilon).sqrt(),
            "plain": gradient,
        }[form]


def expected_scores(checkpoints, rows, targets, form):
    """{(problem, task): score}, cosines unprojected in fp32."""
    manifest = checkpoints.manifest()
    constants = (manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon)
    scores: dict[tuple[str, str], float] = {}
    for checkpoint in manifest.checkpoints:
        single = OneByOne(checkpoints.path, checkpoint)
        means = {
            str(task): torch.stack([single.gradient(*row) for row in of_task.rows()]).mean(0)
            for (task,), of_task in targets.select("task", "question", "kind", "solution")
            .partition_by("task", as_dict=True, include_key=False)
            .items()
        }
        for row in rows.iter_rows(named=True):
            gradient = single.gradient(row["problem"], row["kind"], row["solution"])
            direction = single.direction(gradient, form, constants)
            for task, mean in means.items():
                cosine = float(direction @ mean / direction.norm() / mean.norm())
                key = row["problem_id"], task
                scores[key] = scores.get(key, 0.0) + checkpoint.mean_learning_rate * cosine
    return scores
