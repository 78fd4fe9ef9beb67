"""``python -m experiments.pamc``."""

from experiments.pamc.run import main

if __name__ == "__main__":
    main()
