"""Ask the model for a problem for each text."""

import json
import os
from concurrent.futures import ThreadPoolExecutor
from urllib.request import Request, urlopen

from prompts import prompt_of, read_templates
from rows import read, write
from settings import settings

ask_settings = settings("ask")


def ask(prompt: str) -> str:
    body = {
        "model": "teacher",
        "messages": [{"role": "user", "content": prompt}],
        "temperature": ask_settings["temperature"],
    }
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    with urlopen(Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


texts = read("texts/texts.jsonl")
templates = read_templates("templates")
prompts = [prompt_of(row["id"], row["text"], templates) for row in texts]
with ThreadPoolExecutor(16) as threads:
    completions = list(threads.map(ask, prompts))
write(
    "data/completions.jsonl",
    ({"id": row["id"], "completion": text} for row, text in zip(texts, completions, strict=True)),
)
