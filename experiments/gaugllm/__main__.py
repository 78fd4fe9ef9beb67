"""``python -m experiments.gaugllm``."""

from experiments.gaugllm.run import main

if __name__ == "__main__":
    main()
