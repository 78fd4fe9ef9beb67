"""``python -m experiments.fastrp``."""

from experiments.fastrp.run import main

if __name__ == "__main__":
    main()
