"""``python -m experiments.demo``."""

import sys

from experiments.demo.run import main

if __name__ == "__main__":
    sys.exit(main())
