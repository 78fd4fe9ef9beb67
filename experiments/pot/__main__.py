"""``python -m experiments.pot``."""

from .run import main

if __name__ == "__main__":
    main()
