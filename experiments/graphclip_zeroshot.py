"""The name that recorded commands use for ``python -m experiments.graphclip.zeroshot``."""

from graphlab._console import command

if __name__ == "__main__":
    command(f"{__package__}.graphclip.zeroshot")
