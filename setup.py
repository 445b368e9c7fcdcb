"""Tells setuptools what pyproject.toml cannot: resources/ is installed as the package medtransfer_resources."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["medtransfer", "medtransfer.*"]), "medtransfer_resources"],
    package_dir={"medtransfer_resources": "resources"},
)
