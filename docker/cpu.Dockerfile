# jz3 on CPUs: what `make setup` installs, without the tools of the tests. In a clone:
#   docker build -f docker/cpu.Dockerfile -t jz3 .
#   docker run --rm -v "$PWD:/work" -v "$HOME/.cache:/root/.cache" jz3 dvc repro
# Under ~/.cache lies the row store (paid answers, checkpoints): without it `--rm` deletes them.
# Linux wheels of torch bring CUDA along; UV_FIND_LINKS or UV_INDEX as a build argument names a place without.
FROM python:3.11-slim-bookworm

# git is read by DVC, make by people; g++ compiles what has no wheel.
# Versions are those of the release: Debian keeps no older ones.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ git make \
    && rm -rf /var/lib/apt/lists/*

ARG UV_FIND_LINKS=""
ARG UV_INDEX=""
WORKDIR /opt/jz3
COPY constraints/main.txt constraints/main.txt
COPY pyproject.toml README.md LICENSE ./
RUN pip install --no-cache-dir uv==0.13.9 \
    && uv pip compile -q pyproject.toml --extra graph --extra publish -c constraints/main.txt -o pinned.txt \
    && uv pip sync --system --no-cache pinned.txt

COPY jz3 jz3
COPY stages stages
RUN pip install --no-cache-dir --no-deps .

# A clone is mounted here: its own jz3 and stages are what runs.
WORKDIR /work
RUN git config --system --add safe.directory /work
CMD ["jz3", "doctor"]
