"""`python -m export` is `assistant export`."""

from export.cli import main

if __name__ == "__main__":
    main()
