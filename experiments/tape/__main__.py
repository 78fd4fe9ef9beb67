"""``python -m experiments.tape``."""

from .run import main

if __name__ == "__main__":
    main()
