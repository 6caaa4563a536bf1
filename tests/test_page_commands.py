"""Every command of README, AGENTS, CONTRIBUTING and docs is run as printed, or a reason says why it is not.

Commands on a user's own files run anywhere; the others run in a copy of this clone, if it has a finished run,
as at the end of `.ci/run`.
"""

import shutil
import subprocess

import pytest

from jz3.cli.compiling import COMPILING
from tests.conftest import ROOT, Clone, make_clone
from tests.curation.rows import SHARED, needs_benchmarks, needs_samples
from tests.page_commands import (
    ELSEWHERE,
    MARK,
    NAMED,
    NOT_COMPARED,
    NOT_RUN,
    PAGES,
    REASONS,
    Command,
    agrees,
    blocks,
)
from tests.page_files import MADE
from tests.test_readme import needs_a_run, rounds_differently

BLOCKS = {page.relative_to(ROOT).as_posix(): list(blocks(page.read_text())) for page in PAGES}
RUN = {
    page: [
        (block, command) for block in found for command in block.commands if not block.of(command, NOT_RUN)
    ]
    for page, found in BLOCKS.items()
}
ANYWHERE = ("docs/doors.md", "docs/report.md")
"""Pages whose commands work on a user's own files and need no clone."""
IN_A_RUN = [page for page, found in RUN.items() if found and page not in ANYWHERE]


def typed(line, clone):
    """What a terminal shows for a command."""
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=clone.path,
        env=clone.environment | {"JZ3_SHARED": str(SHARED.resolve()), "HF_HUB_OFFLINE": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout[-4000:]}"
    return [line for line in done.stdout.splitlines() if line != COMPILING]  # the first run prints it


def check_page(page, clone, *, compare):
    for block, command in RUN[page]:
        said = typed(command.typed, clone)
        if compare and command.printed and not block.of(command, NOT_COMPARED):
            assert agrees(command.printed, said), "\n".join([f"{page}:{block.line} says otherwise:", *said])


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A copy of this clone with its finished run, all of it in git, and an empty row store."""
    made = make_clone(tmp_path_factory.mktemp("pages") / "clone", "embedded")
    shutil.copy2(ROOT / "dvc.lock", made.path)
    for folder in ("data", ".dvc/cache"):
        shutil.copytree(ROOT / folder, made.path / folder, symlinks=True, dirs_exist_ok=True)
    made.run("git", "add", "-A")
    made.run("git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "a run")
    made.run("git", "config", "status.showUntrackedFiles", "no")  # a command's output is not an edit
    return made


@pytest.fixture
def clone(run):
    """What a page leaves in it is removed before the next page."""
    before = set(run.path.iterdir())
    yield run
    for left in set(run.path.iterdir()) - before:
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    run.run("git", "checkout", "-q", ".")


@needs_samples
@needs_benchmarks
@pytest.mark.parametrize("page", ANYWHERE)
def test_commands_on_own_files_say_what_the_page_prints(page, tmp_path):
    (tmp_path / "files").mkdir()
    MADE[page](tmp_path / "files")
    check_page(page, Clone(tmp_path / "files"), compare=True)


@needs_samples
@needs_benchmarks
@needs_a_run
@pytest.mark.parametrize("page", IN_A_RUN)
def test_commands_in_a_clone_say_what_the_page_prints(page, clone):
    """On a run from another kind of processor they run as well, but print other figures."""
    if page in MADE:
        MADE[page](clone.path)
    check_page(page, clone, compare=not rounds_differently())


def test_each_block_says_what_it_is():
    assert [
        f"{page}:{block.line}" for page, found in BLOCKS.items() for block in found if not block.language
    ] == []


def test_each_mark_is_of_a_command_that_is_there_and_gives_a_reason():
    for page, found in BLOCKS.items():
        for block, mark in [(one, mark) for one in found for mark in one.marks]:
            of = [command for command in block.commands if mark in block.of(command, mark.kind)]
            assert of, f"{page}:{block.line}: no command begins with {mark.begins!r}"
            assert mark.kind == NOT_COMPARED or mark.reason.startswith(REASONS), (
                f"{page}:{block.line}: {mark.reason}"
            )
            if mark.reason.startswith("on another page"):
                (page_of_it,) = ELSEWHERE.findall(mark.reason)
                run_there = {command.alone for _, command in RUN[page_of_it]}
                assert {command.alone for command in of} <= run_there, f"{page}:{block.line}: {page_of_it}"
            for path, name in NAMED.findall(mark.reason):
                assert (ROOT / path).exists(), path
                assert not name or f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"
        text = (ROOT / page).read_text()
        for comment in MARK.finditer(text):
            rest = text[comment.end() :]
            assert rest.startswith(("\n```", "\n<!--")), f"{page}: {comment[0]} is before no block"


def test_most_pages_have_commands_that_are_run():
    assert sum(map(len, RUN.values())) > 25
    assert set(MADE) <= {page for page, found in RUN.items() if found}


def test_pages_for_who_works_on_it_have_commands_that_are_run():
    assert {"AGENTS.md", "CONTRIBUTING.md"} <= set(IN_A_RUN)


PAGE = """
```text
jz3 is no command here
```

<!-- run: exported -->
<!-- not run:
`jz3 push`: needs a server
-->
```console
$ jz3 push \\
    --all
sent
$ jz3 ledger
stage
...
```
"""


def test_a_page_is_read():
    text, console = blocks(PAGE)
    assert (text.language, text.commands) == ("text", ())
    push, ledger = console.commands
    assert (push, ledger) == (Command("jz3 push --all", ("sent",)), Command("jz3 ledger", ("stage", "...")))
    assert [[mark.reason for mark in console.of(one, NOT_RUN)] for one in (push, ledger)] == [
        ["needs a server"],
        [],
    ]


def test_a_remark_is_no_part_of_what_is_typed():
    assert Command("jz3 why mix   # why a stage would run").alone == "jz3 why mix"
    assert Command("jz3 look 'a#b'").alone == "jz3 look 'a#b'"


def test_a_page_may_leave_out_lines_and_ends_of_lines_and_nothing_else():
    said = ["one", "two", "three  "]
    for printed in (
        said,
        ["one", "...", "three"],
        ["..."],
        ["one", "t...", "three"],
        ["one", "two", "three", "..."],
    ):
        assert agrees(printed, said)
    for printed in (
        ["one", "two"],
        ["one", "three"],
        ["one", "two", "four"],
        ["...", "two"],
        ["One", "..."],
        [],
    ):
        assert not agrees(printed, said)
