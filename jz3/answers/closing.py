r"""The closing part of a response: what is said to the reader, without thoughts, programs and further turns.

- Thoughts go with all they hold, a `\boxed{}` too; one that is cut off takes the rest with it. Where a
  thought closes that was never opened (the prompt opened it), all before goes.
- Programs go; what they print stays.
- A response that runs on with another question after its answer ends before that question.

One pass over the text, whatever it holds.
"""

import re

_NAMES = "think|thinking|thought|thoughts|reasoning|reason|reflection|scratchpad|analysis|seed:think"
_THOUGHT = re.compile(
    rf"(?P<open><(?:{_NAMES})>|\[think\]|<\|begin_of_thought\|>|<\|start_thinking\|>|◁think▷"
    r"|<\|channel\|>\s*analysis\s*<\|message\|>)"
    rf"|(?P<close></(?:{_NAMES})>|\[/think\]|<\|end_of_thought\|>|<\|end_thinking\|>|◁/think▷"
    r"|<\|channel\|>\s*final\s*<\|message\|>)",
    re.IGNORECASE,
)
_PROGRAM = re.compile(
    r"```[ \t]*(?:python3?|py|sage|cpp|c\+\+|c|java|javascript|js|matlab|julia|r|bash|sh|mathematica"
    r"|sympy)[ \t]*\n"
    r".*?(?:```|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_TURN = re.compile(
    r"<\|(?:im_start|im_end|eot_id|eom_id|endoftext|end_of_text|end|return|user|assistant|system"
    r"|start_header_id)\|>"
    r"|</s>|<s>|<end_of_turn>|<start_of_turn>|\[/?INST\]"
)
_EXPLICIT = re.compile(
    r"\\boxed\s*\{|####\s*[-+$\\(]*\d|answers?\s*\**\s*(?:is|are|:)|</answer>|答案", re.IGNORECASE
)
_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:#{1,4}\s*|\*\*\s*)?(?:(?:Question|Problem|Exercise|Example|Input|User|Human|Student"
    r"|问题|题目)"
    r"(?:\s*\d{1,3})?\s*(?:\*\*)?\s*[:：]|Q(?:uestion)?\s*\d{0,3}\s*[:.]\s|#{1,4}\s*(?:Question"
    r"|Problem|Instruction)\b)",
)
_WORDS_OF_THOUGHT = (
    "hink",
    "HINK",
    "hought",
    "HOUGHT",
    "reason",
    "REASON",
    "eflection",
    "cratchpad",
    "nalysis",
)
_SIGNS_OF_TURNS = ("<|", "</s>", "<s>", "_turn>", "INST]")


def closing_part(response: str) -> str:
    """What is left of a response for the reader; the empty text where all of it was thought."""
    text = _without_thoughts(response)
    if any(sign in text for sign in _SIGNS_OF_TURNS):
        text = _first_turn(text)
    if "```" in text:
        text = _PROGRAM.sub("\n", text)
    return _without_next_question(text)


def _without_thoughts(text: str) -> str:
    if not (any(sign in text for sign in "<[◁") and any(word in text for word in _WORDS_OF_THOUGHT)):
        return text
    kept: list[str] = []
    position, inside = 0, False
    for match in _THOUGHT.finditer(text):
        if match["open"] is not None:
            if not inside:
                kept.append(text[position : match.start()])
            inside = True
        else:
            if not inside:
                kept.clear()
            position, inside = match.end(), False
    if not inside:
        kept.append(text[position:])
    return "".join(kept)


def _first_turn(text: str) -> str:
    """Up to the first mark of a turn behind what is said; marks at the beginning are passed over."""
    position = 0
    for match in _TURN.finditer(text):
        said = text[position : match.start()].strip()
        if said and said not in ("assistant", "user", "system"):
            return text[position : match.start()]
        position = match.end()
    return text[position:]


def _without_next_question(text: str) -> str:
    if _NEXT_QUESTION.search(text) is None:
        return text
    explicit = _EXPLICIT.search(text)
    following = None if explicit is None else _NEXT_QUESTION.search(text, explicit.end())
    return text if following is None else text[: following.start()]
