"""``python -m experiments.pamc``."""

from .run import main

if __name__ == "__main__":
    main()
