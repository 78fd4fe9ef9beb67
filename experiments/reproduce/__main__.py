"""``python -m experiments.reproduce``."""

import sys

from experiments.reproduce.run import main

if __name__ == "__main__":
    sys.exit(main())
