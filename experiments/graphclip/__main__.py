"""``python -m experiments.graphclip``: the scripts of this folder, one of which must be named."""

from graphlab._console import command

if __name__ == "__main__":
    root, _, folder = __package__.rpartition(".")
    command(f"{root}._harness.commands", "choose", folder)
