"""The name that recorded commands use for ``python -m experiments.graphclip.zeroshot``."""

from .graphclip.zeroshot import main

if __name__ == "__main__":
    main()
