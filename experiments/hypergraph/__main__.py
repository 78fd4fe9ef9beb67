"""``python -m experiments.hypergraph``."""

from experiments.hypergraph.run import main

if __name__ == "__main__":
    main()
