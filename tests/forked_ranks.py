"""A torchrun whose ranks are forked from a process that has imported everything already.

A rank takes 7 s of CPU to import torch, the Trainer and DeepSpeed, and one to train a model of these tests.
Tests of what ranks compute, leave and resume start them by this program in place of torchrun. All else is as
it always is: the stage starts a command and waits for it; the ranks are processes of their own that meet over
gloo, run the main function of their module, and end with the stage. Tests of torchrun itself (meeting, ranks
of several machines, a rank that aborts) start torchrun; one of them is in the quick suite.

`python -m tests.forked_ranks LISTENING` is the process with the imports, as long as its standard input is
open; `python tests/forked_ranks.py ADDRESS OPTIONS` asks it for ranks and stands for torchrun.
"""

import argparse
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from contextlib import contextmanager
from functools import partial
from pathlib import Path

IMPORTED = (
    "deepspeed.module_inject.auto_ep_layer",
    "deepspeed.runtime.superoffload.superoffload_stage3",
    "deepspeed.runtime.zero.muon.muon_optimizer",
    "functorch.compile",
    "jz3.influence.warmup_rank",
    "jz3.lm.sharded",
    "jz3.lm.trainer",
    "jz3.training.rank",
    "networkx",
    "peft",
    "setuptools",
    "transformers.integrations.deepspeed",
    "transformers.models.llama.modeling_llama",
)
"""What ranks import sooner or later."""
LOOK_S = 0.02
SIZE_BYTES = 8


@contextmanager
def forking(folder):
    """The command that stands for torchrun, while open; `folder` must have a short path.

    The imports happen when the first ranks are asked for.
    """
    import subprocess

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "ranks"))
        listening.listen()
        command = [sys.executable, "-m", "tests.forked_ranks", str(listening.fileno())]
        root = Path(__file__).parent.parent
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
        serving = subprocess.Popen(
            command, pass_fds=[listening.fileno()], stdin=subprocess.PIPE, env=environment, cwd=root
        )
    try:
        # Neither site-packages nor what `sitecustomize` does in tests is for the process that only asks.
        yield (sys.executable, "-I", "-S", __file__, str(folder / "ranks"))
    finally:
        serving.stdin.close()
        assert serving.wait(60) == 0


def serve(listening):
    """Fork a process for each who asks, which forks the ranks; end when standard input does."""
    while sys.stdin not in select.select([listening, sys.stdin], [], [])[0]:
        for name in IMPORTED:
            importlib.import_module(name)
        gc.freeze()  # a training collects garbage twice, which would copy each page of what was imported
        asking, _ = listening.accept()
        if os.fork() == 0:
            listening.close()
            _ended(partial(_run_ranks, asking))
        asking.close()
    try:
        while True:
            os.wait()
    except ChildProcessError:  # all have ended
        os._exit(0)  # taking down what was imported takes a second


def _run_ranks(asking):
    """Run the ranks that are asked for; tell who asked 0, or 1 if one of them failed."""
    size, outputs, *_ = socket.recv_fds(asking, SIZE_BYTES, 2)
    with asking.makefile("rb") as file:
        asked = json.loads(file.read(int.from_bytes(size, "big")))
    for standard, output in zip((1, 2), outputs, strict=True):
        os.dup2(output, standard)
    options = argparse.ArgumentParser()
    options.add_argument("--standalone", action="store_true", required=True)
    options.add_argument("--nproc_per_node", type=int, required=True)
    options.add_argument("-m", dest="rank", nargs=argparse.REMAINDER, required=True)
    options = options.parse_args(asked["options"])
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    count, ranks = options.nproc_per_node, {}
    of_all = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GROUP_RANK": 0}
    of_all |= {"WORLD_SIZE": count, "LOCAL_WORLD_SIZE": count}
    for number in range(count):
        own = of_all | {"RANK": number, "LOCAL_RANK": number}
        process = os.fork()
        if process == 0:
            asking.close()
            os.environ.update({name: str(value) for name, value in own.items()})
            _ended(partial(_run_rank, *options.rank))
        ranks[process] = number
    asking.sendall(_waited_for(ranks, asking))


def _waited_for(ranks, asking):
    """`0` or `1`, as what torchrun ends with. If one fails or who asked ends, the others are killed."""
    status = b"0"
    while ranks:
        has_ended = bool(select.select([asking], [], [], LOOK_S)[0])
        process, wait_status = os.waitpid(-1, os.WNOHANG)
        number = ranks.pop(process, None)
        if wait_status:
            status = b"1"
            print(f"rank {number} ended with {os.waitstatus_to_exitcode(wait_status)}", file=sys.stderr)
        if has_ended or status == b"1":
            for other in ranks:
                os.kill(other, signal.SIGKILL)
    return status


def _run_rank(module, *arguments):
    for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep):
        if (Path(folder) / "sitecustomize.py").is_file():  # as each start of Python does
            runpy.run_path(str(Path(folder) / "sitecustomize.py"))
    sys.argv = [module, *arguments]
    importlib.import_module(module).main()


def _ended(run):
    """Run this in a forked process, which then ends as Python does."""
    status = 1
    try:
        run()
        status = 0
    except SystemExit as exit_:
        status = exit_.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def ask(address, options):
    """Have ranks run with the environment, folder and outputs of this process; exit as they do."""
    environment = dict(os.environ)
    asked = json.dumps({"options": options, "folder": str(Path.cwd()), "environment": environment}).encode()
    with socket.socket(socket.AF_UNIX) as serving:
        serving.connect(address)
        socket.send_fds(serving, [len(asked).to_bytes(SIZE_BYTES, "big")], [1, 2])
        serving.sendall(asked)
        status = serving.recv(1)
    sys.exit(int(status or b"1"))


if __name__ == "__main__":
    if __package__:
        serve(socket.socket(fileno=int(sys.argv[1])))
    else:
        ask(sys.argv[1], sys.argv[2:])
