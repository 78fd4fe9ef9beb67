"""``python -m experiments``: every script with its presets."""

from ._harness.scripts import listing

if __name__ == "__main__":
    print(listing())
