"""The cells of one system: the state after its first run, an edit, a run."""

import shutil
from dataclasses import replace

from benchmarks.rebuilding.edits import change
from benchmarks.rebuilding.project import Project, Run, must_succeed


class Bench:
    """All cells of one system, each from the state after its first run."""

    def __init__(self, project: Project, texts: list[dict[str, str]]) -> None:
        self.project, self.texts = project, texts
        self._saved = project.folder.with_name(f"{project.folder.name}.saved")

    def first(self) -> Run:
        """Set up the project, run it completely, and keep that state."""
        self._lay(self.texts)
        run = self.project.run()
        must_succeed(self.project.name, run)
        if command := self.project.about.get("share"):
            must_succeed(self.project.name, self.project.run(command))
        shutil.copytree(self.project.folder, self._saved, symlinks=True)
        return run

    def edited(self, name: str, repeated: list[str]) -> Run:
        """The state after the first run, one edit and one run; a kill and a clone start from nothing."""
        if name == "kill":
            return self._killed()
        if name == "second clone":
            return self._cloned()
        shutil.rmtree(self.project.folder)
        shutil.copytree(self._saved, self.project.folder, symlinks=True)
        change(self.project, name, self.texts, repeated)
        return self.project.run()

    def _lay(self, texts: list[dict[str, str]]) -> None:
        shutil.rmtree(self.project.folder, ignore_errors=True)
        self.project.folder.mkdir(parents=True)
        self.project.lay(texts)
        self.project.setup()

    def _killed(self) -> Run:
        """The calls of both runs minus those of one run: the calls that were paid for twice."""
        self._lay(self.texts)
        killed = self.project.run(kill_at=len(self.texts) // 2)
        run = self.project.run()
        twice = killed.calls + run.calls - len(self.texts)
        return replace(run, calls=twice)

    def _cloned(self) -> Run:
        """The sources and what git carries, without caches; shared files are in the folder beside the
        project.
        """
        shutil.rmtree(self.project.folder)
        self.project.folder.mkdir(parents=True)
        if (self._saved / "remote").exists():
            shutil.copytree(self._saved / "remote", self.project.folder / "remote")
        self.project.lay(self.texts)
        self.project.setup()
        for file in self.project.about.get("kept", []):
            shutil.copy(self._saved / "project" / file, self.project.path / file)
        fetched = self.project.run(self.project.about.get("clone", "true"))
        run = self.project.run()
        return replace(
            run,
            calls=fetched.calls + run.calls,
            rows=fetched.rows + run.rows,
            seconds=fetched.seconds + run.seconds,
        )
