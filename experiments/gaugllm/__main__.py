"""``python -m experiments.gaugllm``."""

from .run import main

if __name__ == "__main__":
    main()
