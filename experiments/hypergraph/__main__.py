"""``python -m experiments.hypergraph``."""

from .run import main

if __name__ == "__main__":
    main()
