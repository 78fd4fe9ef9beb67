"""``python -m experiments.link_prediction``."""

from .run import main

if __name__ == "__main__":
    main()
