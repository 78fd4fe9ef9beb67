"""The name that recorded commands use for ``python -m experiments.graphclip.linkpred``."""

from .graphclip.linkpred import main

if __name__ == "__main__":
    main()
