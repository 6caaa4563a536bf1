"""List the code behind each stage, with a digest of each module's meaning."""

from jz3.core.artifacts import InFiles, OutDir
from jz3.core.stage import run
from jz3.graph.code import write_lists
from jz3.tables.code_manifest import CodeManifest


def main(package: InFiles, stages: InFiles, lists: OutDir[CodeManifest]) -> None:
    write_lists([package, stages], lists)


if __name__ == "__main__":
    run(main)
