"""The name that recorded commands use for ``python -m experiments.graphclip.fewshot``."""

from .graphclip.fewshot import main

if __name__ == "__main__":
    main()
