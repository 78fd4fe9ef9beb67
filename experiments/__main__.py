"""``python -m experiments``: every script with its presets; ``python -m experiments NAME ...``."""

from graphlab._console import command

if __name__ == "__main__":
    command(f"{__package__}._harness.commands")
