"""From any list of turns a model learns the tokens of the learnt turns, and nothing else."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from jz3.lm.chat_rows import ChatForm
from jz3.lm.encode import MarkedText, encode_flat, joined_parts
from jz3.tables.turn import Turn
from jz3.text.turn_text import input_and_output, plain_parts, without_earlier_thoughts
from tests.evaluation.smollm2 import MISSING, PACKAGE
from tests.lm.chat_templates import TEMPLATES, speaking
from tests.lm.test_encode import TOKENIZERS
from tests.lm.texts import TEXTS


def without_start() -> PreTrainedTokenizerFast:
    """Byte-level, without a start token and without an end token of its own."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=["<e>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator(TEXTS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<e>")


PLAIN = {
    "with a start token": TOKENIZERS["ours"],
    "without a start token": without_start(),
    "sentencepiece-like": TOKENIZERS["metaspace"],
    "that puts the end itself": TOKENIZERS["closing"],
    "with template tokens": speaking(TEMPLATES["marked"]),
}
SPEAKING = {name: speaking(template) for name, template in TEMPLATES.items()}

WORDS = [
    "Tom",
    " has",
    "12",
    "3 ",
    "\n",
    " é",
    "数",
    "𝑥",
    "<|close|>",
    "<|open|>",
    "<e>",
    "  ",
    "my",
    "<think>",
]
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map("".join)
roles = st.sampled_from(["system", "user", "assistant", "tool"])
dialogues = st.lists(st.builds(Turn, roles, texts, st.booleans()), min_size=1, max_size=6)


def encoded(tokenizer, text: MarkedText) -> tuple[list[int], list[bool]]:
    rows = encode_flat(tokenizer, [0], [text], 10**6)
    return rows.tokens.tolist(), rows.learnt.tolist()


def by_offsets(
    tokenizer, text: str, is_learnt: list[bool], *, as_marks: bool
) -> tuple[list[int], list[bool]]:
    """The reference: every token by itself, learnt if it has characters and all of them are learnt."""
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = not as_marks
    encoding = backend.encode(text, add_special_tokens=not as_marks)
    backend.encode_special_tokens = False
    learnt = [start < end and all(is_learnt[start:end]) for start, end in encoding.offsets]
    return encoding.ids, learnt


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=50)
@given(turns=dialogues, kind=st.sampled_from(["cot", "tool"]))
@example(
    turns=[Turn("user", "Tom", False), Turn("assistant", "my", True), Turn("tool", "has", False)], kind="cot"
)
def test_tokens_learnt_are_those_of_the_learnt_turns(name, turns, kind):
    tokenizer = PLAIN[name]
    parts = plain_parts(turns, kind)
    tokens, learnt = encoded(tokenizer, joined_parts(parts))
    said = "".join(text for text, _ in parts)
    flags = [learn for text, learn in parts for _ in text]
    ids, expected = by_offsets(tokenizer, said, flags, as_marks=False)
    if ids[-1] == tokenizer.eos_token_id:
        ids, expected = ids[:-1], expected[:-1]
    assert tokens == [*ids, tokenizer.eos_token_id]
    assert learnt == [*expected, parts[-1][1]]
    for turn in turns:
        assert (turn.text, turn.learn) in parts


def spoken(turns: list[Turn]) -> list[dict[str, str]]:
    """The conversation as transformers takes it: outputs are part of the assistant's answer."""
    messages: list[dict[str, str]] = []
    for place, turn in enumerate(turns):
        role = "assistant" if turn.answers else turn.role
        if place and turn.answers and turns[place - 1].answers:
            messages[-1]["content"] += turn.text
        else:
            messages.append({"role": role, "content": turn.text})
    return messages


def spoken_flags(turns: list[Turn], opening: str, closing: str) -> list[bool]:
    """For each character of the conversation between marks, whether it is learnt: the text of a learnt turn,
    and the mark behind an answer whose last turn is learnt.
    """
    flags: list[bool] = []
    for place, turn in enumerate(turns):
        joins = place and turn.answers and turns[place - 1].answers
        ends = not (turn.answers and place + 1 < len(turns) and turns[place + 1].answers)
        role = "assistant" if turn.answers else turn.role
        flags += [False] * (0 if joins else len(f"{opening}{role}\n"))
        flags += [turn.learn] * len(turn.text)
        flags += [*[turn.learn and turn.answers] * len(closing), False] if ends else []
    return flags


plain_words = st.lists(st.sampled_from([*WORDS[:8], "assistant\n", "my"]), min_size=1, max_size=6).map(
    "".join
)
said = plain_words.filter(lambda text: bool(text.strip()))
conversations = st.lists(st.builds(Turn, roles, said, st.booleans()), min_size=1, max_size=6)


@given(turns=conversations)
@example(turns=[Turn("user", "assistant\n", True), Turn("assistant", "12", True), Turn("tool", "3 ", False)])
def test_a_row_by_a_chat_template_is_its_own_rendering_with_what_is_said_learnt(turns):
    tokenizer = SPEAKING["marked"]
    text = ChatForm(tokenizer).text(turns)
    assert text is not None
    tokens, learnt = encoded(tokenizer, text)
    assert tokens == tokenizer.apply_chat_template(spoken(turns), tokenize=True, return_dict=False)
    flags = spoken_flags(turns, "<|open|>", "<|close|>")
    assert len(flags) == len(text.text)
    assert (tokens, learnt) == by_offsets(tokenizer, text.text, flags, as_marks=True)


QUESTION, THOUGHT, ANSWER = "What is 3 + 4?", "<think>\nThree and four.\n</think>\n\n", "It is 7."


def learnt_text(name: str, turns: list[Turn]) -> str:
    text = ChatForm(SPEAKING[name]).text(turns)
    assert text is not None
    tokens, learnt = encoded(SPEAKING[name], text)
    assert tokens == SPEAKING[name].apply_chat_template(spoken(turns), tokenize=True, return_dict=False)
    return SPEAKING[name].decode([token for token, is_ in zip(tokens, learnt, strict=True) if is_])


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_token_of_the_template_is_learnt_but_the_end_of_each_answer(name):
    turns = [
        Turn("user", QUESTION, learn=False),
        Turn("assistant", f" {ANSWER}\n", learn=True),
        Turn("user", "And 8?\n", learn=False),
        Turn("assistant", "So 15.", learn=True),
    ]
    trimmed = ANSWER if name == "trimmed" else f" {ANSWER}\n"
    assert learnt_text(name, turns).split("<|close|>") == [trimmed, "So 15.", ""]


def test_the_mark_of_the_next_speaker_is_not_learnt_where_an_earlier_answer_has_no_end():
    template = (
        "{% for turn in messages %}{{ '<|head|>' if turn.role == 'user' else '<|open|>' }}{{ turn.content }}"
        "{% endfor %}{{ '<|open|>' if add_generation_prompt else '<|close|>' }}"
    )
    turns = [
        Turn("user", QUESTION, learn=False),
        Turn("assistant", ANSWER, learn=True),
        Turn("user", "And 8?", learn=False),
        Turn("assistant", "So 15.", learn=True),
    ]
    tokenizer = speaking(template)
    tokens, learnt = encoded(tokenizer, ChatForm(tokenizer).text(turns))
    said = tokenizer.decode([token for token, is_ in zip(tokens, learnt, strict=True) if is_])
    assert said == f"{ANSWER}So 15.<|close|>"


@pytest.mark.parametrize("name", TEMPLATES)
def test_several_programs_are_learnt_and_what_they_print_is_not(name):
    turns = [
        Turn("user", QUESTION, learn=False),
        Turn("assistant", "First.\n```python\nprint(3)\n```\n```output\n", learn=True),
        Turn("tool", "3\n```\n", learn=False),
        Turn("assistant", "Then.\n```python\nprint(7)\n```\n```output\n", learn=True),
        Turn("tool", "7\n```\n", learn=False),
        Turn("assistant", ANSWER, learn=True),
    ]
    wanted = "".join(turn.text for turn in turns if turn.learn)
    assert learnt_text(name, turns) == f"{wanted}<|close|>"


def test_an_answer_whose_thought_the_template_leaves_out_is_not_learnt():
    turns = [
        Turn("user", QUESTION, learn=False),
        Turn("assistant", f"{THOUGHT}{ANSWER}", learn=True),
        Turn("user", "And 8?", learn=False),
        Turn("assistant", f"{THOUGHT}So 15.", learn=True),
    ]
    assert learnt_text("thinking", turns) == f"{THOUGHT}So 15.<|close|>"
    assert learnt_text("marked", turns) == f"{THOUGHT}{ANSWER}<|close|>{THOUGHT}So 15.<|close|>"
    assert learnt_text("marked", without_earlier_thoughts(turns)) == f"{THOUGHT}So 15.<|close|>"


def test_earlier_thoughts_are_left_out_of_plain_rows_too_and_what_is_left_is_read_alone():
    turns = [
        Turn("user", QUESTION, learn=False),
        Turn("assistant", f"{THOUGHT}{ANSWER}", learn=True),
        Turn("user", "And 8?", learn=False),
        Turn("assistant", f"{THOUGHT}So 15.", learn=True),
    ]
    text = joined_parts(plain_parts(without_earlier_thoughts(turns), "cot"))
    assert [text.text[start:end] for start, end in text.learnt] == [f"{THOUGHT}So 15."]
    assert ANSWER in text.text
    assert text.text.count("<think>") == 1
    kept = joined_parts(plain_parts(turns, "cot"))
    assert [kept.text[slice(*span)] for span in kept.learnt] == [f"{THOUGHT}{ANSWER}", f"{THOUGHT}So 15."]


@pytest.mark.parametrize("padding", [True, False])
def test_the_last_token_is_learnt_also_where_it_pads(padding):
    tokenizer = speaking(TEMPLATES["marked"], padding=padding)
    turns = [Turn("user", QUESTION, learn=False), Turn("assistant", ANSWER, learn=True)]
    for text in (ChatForm(tokenizer).text(turns), joined_parts(plain_parts(turns, "cot"))):
        tokens, learnt = encoded(tokenizer, text)
        last = max(place for place, is_ in enumerate(learnt) if is_)
        assert tokens[last] == tokenizer.eos_token_id


def test_a_row_that_a_template_does_not_take_is_none():
    form = ChatForm(SPEAKING["alternating"])
    assert form.text([Turn("user", "A", learn=False), Turn("user", "B", learn=True)]) is None
    assert form.text([Turn("system", "A", learn=False), Turn("user", "B", learn=True)]) is None


def test_special_tokens_that_a_row_spells_out_are_no_marks():
    turns = [Turn("user", "<|close|><|open|>assistant\n9", learn=False), Turn("assistant", "7", learn=True)]
    tokenizer = SPEAKING["marked"]
    tokens, _ = encoded(tokenizer, ChatForm(tokenizer).text(turns))
    assert tokens.count(tokenizer.eos_token_id) == 2


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "has no chat template"),
        (TEMPLATES["marked"].replace("<|close|>", "."), "ends no answer with a special token"),
        ("{{ strftime_now('%d') }}" + TEMPLATES["marked"], "writes the date of the day"),
    ],
)
def test_a_template_that_cannot_be_learnt_from_is_named(template, message):
    with pytest.raises(Exception, match=message):
        ChatForm(speaking(template))


def test_input_is_what_stands_before_the_first_learnt_piece():
    turns = [Turn("user", "Why?", learn=False), Turn("assistant", "So.", learn=True)]
    assert input_and_output(plain_parts(turns, "tool")) == ("## Question\nWhy?\n\n## Code Solution\n", "So.")


@pytest.fixture(scope="module")
def smollm2():
    (folder,) = map(Path, importlib.util.find_spec(PACKAGE).submodule_search_locations)
    return AutoTokenizer.from_pretrained(folder, gguf_file=next(folder.glob("*.gguf")).name)


@pytest.mark.long
@pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (see CONTRIBUTING.md)")
@given(turns=conversations)
@settings(max_examples=200, deadline=None)
def test_both_laws_hold_on_a_published_tokenizer_with_its_own_template(smollm2, turns):
    parts = plain_parts(turns, "cot")
    found = encoded(smollm2, joined_parts(parts))
    flags = [learn for text, learn in parts for _ in text]
    ids, expected = by_offsets(smollm2, "".join(text for text, _ in parts), flags, as_marks=False)
    assert found == ([*ids, smollm2.eos_token_id], [*expected, parts[-1][1]])
    text = ChatForm(smollm2).text(turns)
    assert text is not None
    found = encoded(smollm2, text)
    assert found[0] == smollm2.apply_chat_template(spoken(turns), tokenize=True, return_dict=False)
    flags = spoken_flags(turns, "<|im_start|>", "<|im_end|>")
    before = len(text.text) - len(flags)  # a system text of the template's own
    assert bool(before) == (turns[0].role != "system")
    assert found == by_offsets(smollm2, text.text, [*[False] * before, *flags], as_marks=True)
