"""The grader as a reward: verl, TRL and NeMo call a function for each response, or for a batch of them.

    python examples/grader_as_reward.py

`jz3.reward.compute_score` has the signature of verl, `jz3.reward.accuracy_reward` that of TRL. Both are safe
in threads, in processes and in Ray actors: what needs sympy runs in a worker process of its own.
"""

from concurrent.futures import ThreadPoolExecutor

from jz3.reward import accuracy_reward, compute_score

RESPONSES = [
    ("Half of it, so the answer is $\\frac{1}{2}$.", "0.5"),
    ("We get \\boxed{x^2 + 2x + 1}.", "(x+1)^2"),
    ("The answer is 18.", "So she makes 18 dollars.\n#### 18"),
    ("The answer is 19.", "18"),
]

# verl: custom_reward_function.path=.../jz3/reward.py custom_reward_function.name=compute_score
with ThreadPoolExecutor(4) as threads:
    scores = list(threads.map(lambda pair: compute_score("openai/gsm8k", pair[0], pair[1]), RESPONSES))
print("compute_score", scores)

# TRL: GRPOTrainer(reward_funcs=accuracy_reward, ...) with a column `answer`.
completions = [[{"role": "assistant", "content": response}] for response, _ in RESPONSES]
print("accuracy_reward", accuracy_reward(completions=completions, answer=[gold for _, gold in RESPONSES]))
