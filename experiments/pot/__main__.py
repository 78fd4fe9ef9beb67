"""``python -m experiments.pot``."""

from experiments.pot.run import main

if __name__ == "__main__":
    main()
