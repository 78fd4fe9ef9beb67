"""``python -m experiments.tape``."""

from experiments.tape.run import main

if __name__ == "__main__":
    main()
