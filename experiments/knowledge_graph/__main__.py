"""``python -m experiments.knowledge_graph``."""

from graphlab._console import command

if __name__ == "__main__":
    command(f"{__package__}.run")
