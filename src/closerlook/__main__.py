"""``python -m closerlook``: the command line."""

from closerlook.cli import main

main()
