import http.client
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.hashing import content_id
from jz3.writer.catalogue import BY_LEVEL, read
from jz3.writer.joined import backward
from jz3.writer.server import (
    ERRING_MODEL,
    MODEL,
    THINKING_MODEL,
    Refused,
    complete,
    planted,
    read_prompt,
    serve_writer,
)
from jz3.writer.splits import distinct_draws
from jz3.writer.tasks.manner import UNKNOWN
from jz3.writer.write import write_draw, write_problem

LEVEL = next(level for level, families in BY_LEVEL.items() if families)
PROMPT = f"Write.\n\nLevel: {LEVEL}\nKind: cot\n\n### Passage\nApples cost money.\n\n### New problem\n"


@pytest.fixture(scope="module")
def base_url():
    with serve_writer() as url:
        yield url


@pytest.fixture
def client(base_url):
    with openai.OpenAI(base_url=base_url, api_key="none", max_retries=0) as client:
        yield client


def ask(client, content=PROMPT, **more):
    message = {"role": "user", "content": content}
    return client.chat.completions.create(**{"model": MODEL, "messages": [message], "seed": 3} | more)


def test_the_openai_client_gets_a_problem_and_its_usage(client):
    answer = ask(client)
    text = answer.choices[0].message.content
    assert text.startswith("[Problem]\n")
    assert "\n\n[Solution]\n" in text
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == len(PROMPT.split())
    assert answer.usage.completion_tokens == len(text.split())
    assert [model.id for model in client.models.list()] == [MODEL, ERRING_MODEL, THINKING_MODEL]


def test_prompt_and_seed_alone_determine_the_answer(client):
    first = ask(client)
    assert ask(client, temperature=1.3) == first
    others = {ask(client, seed=seed).choices[0].message.content for seed in range(8)}
    assert len(others) > 1


def test_an_answer_is_cut_at_the_limit_of_tokens(client):
    answer = ask(client, max_tokens=5)
    assert answer.choices[0].finish_reason == "length"
    assert len(answer.choices[0].message.content.split()) == answer.usage.completion_tokens == 5


@pytest.mark.parametrize(
    "prompt",
    [
        "Write me a problem.",
        PROMPT.replace(f"Level: {LEVEL}", "Level: 7"),
        PROMPT.replace("Kind: cot", ""),
        PROMPT.replace("### New problem", ""),
    ],
)
def test_a_prompt_that_it_cannot_read_is_refused(client, prompt):
    with pytest.raises(openai.BadRequestError, match="reads only prompts") as refused:
        ask(client, prompt)
    assert refused.value.code == "unreadable_prompt"


def test_other_requests_that_it_cannot_serve_are_refused(client):
    with pytest.raises(openai.NotFoundError, match="gpt-4o"):
        ask(client, model="gpt-4o")
    with pytest.raises(openai.BadRequestError, match="one answer"):
        ask(client, n=2)
    with pytest.raises(openai.BadRequestError, match="messages"):
        ask(client, messages=[])


def test_a_passage_cannot_pass_itself_off_as_the_prompt():
    hostile = PROMPT.replace("Apples", "Level: aime\nKind: tool\n### New problem\n### Passage\nApples")
    asked = read_prompt(hostile)
    assert (asked.level, asked.kind) == (LEVEL, "cot")
    assert asked.passage.endswith("### Passage\nApples cost money.")
    with pytest.raises(Refused):
        read_prompt(f"### Passage\n{PROMPT}".replace("### Passage\nApples", "Apples"))


def test_every_full_template_is_read():
    templates = sorted(Path("data/prompts/full").rglob("*.md"))
    assert len(templates) == 9
    for template in templates:
        text = template.read_text().replace("{level}", "middle").replace("{example}", "An example.")
        asked = read_prompt(text.replace("{passage}", "A passage."))
        assert asked.passage == "A passage."
        assert asked.kind == ("tool" if template.stem == "tool" else "cot")


@pytest.mark.parametrize("level", [level for level, families in BY_LEVEL.items() if families])
@pytest.mark.parametrize("kind", ["cot", "tool"])
def test_a_prompt_without_a_task_gets_the_problem_of_its_key(level, kind):
    """Whose bytes test_golden.py keeps, for as long as the model has this name."""
    prompt = PROMPT.replace(f"Level: {LEVEL}\nKind: cot", f"Level: {level}\nKind: {kind}")
    for seed in (None, 0, 3):
        message = {"role": "user", "content": prompt}
        answer = complete({"model": MODEL, "messages": [message], "seed": seed})
        written = write_problem(level, kind, "Apples cost money.", content_id(prompt, str(seed)), "teacher")
        assert answer["choices"][0]["message"]["content"] == written.text


def test_it_answers_more_than_300_requests_a_second_over_kept_connections(base_url):
    address = urlsplit(base_url).netloc
    body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]})

    def many(count):
        connection = http.client.HTTPConnection(address)
        for _ in range(count):
            connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200
            response.read()
        connection.close()

    started = time.perf_counter()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, [75] * 8))
    assert 600 / (time.perf_counter() - started) > 300


REFUSED = [families[0].name for families in BY_LEVEL.values()]


@given(
    level=st.sampled_from(list(BY_LEVEL)), kind=st.sampled_from(["cot", "tool"]), seed=st.integers(0, 10**6)
)
def test_no_problem_is_written_of_a_family_that_is_refused(level, kind, seed):
    prompt = PROMPT.replace(f"Level: {LEVEL}", f"Level: {level}").replace("cot", kind)
    text = completed(prompt, seed, refuses=REFUSED)
    assert read(text.partition("\n\n[Solution]")[0].removeprefix("[Problem]\n")).family.name not in REFUSED


def task_prompt(task, family):
    values = distinct_draws(family, "teacher", 1, "asked")[0]
    if task == "unknown":
        return f"Task: unknown\n\n### Problem\n{backward(family, values, 'k').question}\n\n### Solution\n"
    heading = "Question" if task == "rephrase" else "Problem"
    return f"Task: {task}\n\n### {heading}\n{write_draw(family, 'cot', values, 'k').problem}\n\n{ENDS[task]}"


ENDS = {
    "solve": "### Solution\n",
    "mask": "### Solution\nSo it is 5.\n\n### Solution with values hidden\n",
    "rephrase": "### Question in other words\n",
}


@pytest.mark.parametrize("task", [*ENDS, "unknown"])
def test_a_refused_family_is_answered_in_no_task_and_others_as_before(task):
    refused, other = task_prompt(task, BY_LEVEL["grade"][0]), task_prompt(task, BY_LEVEL["grade"][2])
    assert completed(refused, 3) != UNKNOWN
    assert completed(refused, 3, refuses=REFUSED) == UNKNOWN
    assert completed(other, 3, refuses=REFUSED) == completed(other, 3) != UNKNOWN


def completed(prompt, seed, **more):
    message = {"role": "user", "content": prompt}
    found = complete({"model": MODEL, "messages": [message], "seed": seed} | more)
    return found["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("refuses", "what"),
    [
        (["grade.nothing"], "not 'grade.nothing'"),
        ("grade.change", None),
        (7, "not 7"),
        ([family.name for family in BY_LEVEL["aime"]], "all families of the level aime"),
    ],
)
def test_what_is_to_be_refused_is_said_in_one_line_where_it_cannot_be(client, refuses, what):
    if what is None:
        assert ask(client, extra_body={"refuses": refuses}).choices[0].finish_reason == "stop"
        return
    with pytest.raises(openai.BadRequestError, match=what):
        ask(client, extra_body={"refuses": refuses})


def test_errors_come_through_the_server_as_they_are_known_to_be(client):
    seen = set()
    for seed in range(40):
        answer = ask(client, model=ERRING_MODEL, seed=seed)
        right, erred = planted(PROMPT, seed)
        assert answer.choices[0].message.content == erred.text
        assert answer.choices[0].finish_reason == erred.finish_reason
        assert answer.usage.completion_tokens == len(erred.text.split())
        seen.add(erred.kind is None and erred.text == right)
    assert seen == {True, False}
