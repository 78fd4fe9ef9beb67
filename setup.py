"""Packages of the distribution; everything else stands in pyproject.toml.

The scripts lie beside the library, in ``experiments``, and are installed inside of it, as
``graphlab.experiments``: a package called ``experiments`` of everybody's would be in the way.
"""

from setuptools import find_packages, setup

setup(
    packages=[
        *find_packages(include=["graphlab", "graphlab.*"]),
        *(f"graphlab.{name}" for name in find_packages(include=["experiments", "experiments.*"])),
    ],
    package_dir={"graphlab.experiments": "experiments"},
)
