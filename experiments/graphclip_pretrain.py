"""The name that recorded commands use for ``python -m experiments.graphclip.pretrain``."""

from .graphclip.pretrain import main

if __name__ == "__main__":
    main()
