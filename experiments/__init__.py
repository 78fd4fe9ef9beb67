"""Thin scripts, one per task of a paper: ``python -m experiments.<name> --seeds 0:10``."""
