"""`python -m jz3`: the command `jz3`, where its script is not on the path."""

from jz3.cli.main import main

if __name__ == "__main__":
    main()
