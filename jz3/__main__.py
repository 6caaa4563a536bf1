"""The command `jz3`, also as `python -m jz3`. It loads what it needs once Ctrl-C ends it in one line."""

from jz3.core.ending import end_imports_in_one_line


def main() -> None:
    """Run the command line."""
    end_imports_in_one_line("run it again")
    from jz3.cli.main import main as commands

    commands()


if __name__ == "__main__":
    main()
