"""What stands around a text comes off, in any order and depth; the text itself stays as it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.generation.chat import ChatAnswer
from jz3.teacher.solutions import read_solution
from jz3.text.reply_frames import unframed

TEXTS = (
    "How many are left?",
    "A **bold** word *here*, and a rule:\n\n---\n\nWhat is it?",
    "We compute:\n```python\nprint(7)\n```\nThis prints 7.",
    "**Step 1.** We add.\n\n**Step 2.** We subtract.",
    "Let $x > 3$.\n> 5 is the bound, and\n$x$ is whole.",
    "A shop has hats.\n\nIf you like 3 of them for 4 dollars each, what do you pay?",
    "Ann asks Ben.\n\nWould you like a walk of an hour, or a ride?",
    "x_1 * x_2 * x_3",
    "```python\nprint(7)\n```",
)
FRAMES = (
    "---\n\n{}\n\n---",
    "{}\n\n***",
    "```\n{}\n```",
    "~~~markdown\n{}\n~~~",
    "{}\n\nLet me know if you need anything else!",
    "{}\n\nI hope this helps.",
    "{}\n\n---\n\n*Would you like me to make it harder?*",
    "\n\n{}\n",
)


def quoted(text):
    return "\n".join(f"> {line}" for line in text.split("\n"))


@given(st.sampled_from(TEXTS), st.lists(st.sampled_from(FRAMES), max_size=3))
def test_frames_come_off_and_the_text_stays(text, frames):
    framed = text
    for frame in frames:
        framed = framed if "~~~" in framed or ("```" in framed and "```" in frame) else frame.format(framed)
    assert unframed(framed) == text
    assert unframed(unframed(framed)) == text


@pytest.mark.parametrize("text", TEXTS)
def test_quotations_and_bold_type_around_the_whole_come_off(text):
    assert unframed(quoted(text)) == text
    if "**" not in text and "*" not in text:
        assert unframed(f"**{text}**") == text


@pytest.mark.parametrize(
    ("reply", "solution"),
    [
        ("Sure! Here is the solution:\n\n{}", "{}"),
        ("Here's a step-by-step solution:\n\n{}\n\nLet me know if anything is unclear!", "{}"),
        ("```markdown\n## Solution\n\n{}\n```", "{}"),
        ("**Solution:**\n\n{}\n\n---", "{}"),
        ("Here is the equation of the problem:\n\n{}", "Here is the equation of the problem:\n\n{}"),
        ("{}\n\nCheck: 39 - 25 = 14.", "{}\n\nCheck: 39 - 25 = 14."),
    ],
)
def test_a_solution_is_kept_without_what_a_model_chats_around_it(reply, solution):
    text = "x - 25 = 14, so $x = \\boxed{39}$."
    answer = ChatAnswer(reply.replace("{}", text), "stop", 1, 1, 0, by_batch=False)
    assert read_solution(answer, "39").text == solution.replace("{}", text)


@pytest.mark.parametrize("part", ["\n", "> ", "*", "```\n", "---\n", "\n\n \n", "__", "- "])
def test_a_model_that_repeats_itself_costs_no_time(part):
    began = time.process_time()
    for text in (part * 20_000, f"a{part * 20_000}b", f"{part * 20_000}b", f"```{part * 20_000}"):
        unframed(text)
    assert time.process_time() - began < 5
