"""``python -m experiments.pretext``."""

from graphlab._console import command

if __name__ == "__main__":
    command(f"{__package__}.run")
