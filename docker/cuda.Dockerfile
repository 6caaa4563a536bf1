# jz3 on CUDA GPUs: what `make gpu` installs, with vLLM in an environment of its own. In a clone:
#   docker build -f docker/cuda.Dockerfile -t jz3-cuda .
#   docker run --rm --gpus all --ipc=host --ulimit memlock=-1 \
#     -v "$PWD:/work" -v "$HOME/.cache:/root/.cache" jz3-cuda dvc repro
# Ranks and servers share memory (NCCL, vLLM), of which a container has 64 MB by itself. Under ~/.cache lie the row
# store (paid answers, checkpoints), models of the hub and compiled kernels: without it `--rm` deletes them.
# The host has the driver (branch 580 or newer) and the NVIDIA container toolkit; the wheels bring CUDA.
FROM python:3.11-slim-bookworm

# git is read by DVC, make by people; g++ compiles kernels (Triton, DeepSpeed) and what has no wheel.
# Versions are those of the release: Debian keeps no older ones.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /opt/jz3
COPY constraints/gpu.txt constraints/vllm-gpu.txt constraints/
COPY pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip compile -q pyproject.toml --extra graph --extra cluster --extra deepspeed --extra documents \
        --extra kernels --extra s3 -c constraints/gpu.txt -o pinned.txt \
    && uv pip sync --system --no-cache pinned.txt
# execution.yaml:vllm_python names it: .venv-vllm in the clone, or /opt/vllm/bin/python here.
RUN uv venv -q /opt/vllm \
    && uv pip sync --python /opt/vllm/bin/python --no-cache constraints/vllm-gpu.txt

COPY jz3 jz3
COPY stages stages
RUN pip install --no-cache-dir --no-deps .

# A clone is mounted here: its own jz3 and stages are what runs.
WORKDIR /work
RUN git config --system --add safe.directory /work
CMD ["jz3", "doctor"]
