"""``python -m experiments.retrieval``."""

from experiments.retrieval.run import main

if __name__ == "__main__":
    main()
