"""``python -m experiments.link_prediction``."""

from experiments.link_prediction.run import main

if __name__ == "__main__":
    main()
