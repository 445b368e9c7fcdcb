"""``python -m medtransfer_breast_histology FOLDER TABLE.csv``: the table of BreakHis for ``medtransfer learn``."""

from __future__ import annotations

import argparse
from pathlib import Path

from medtransfer_breast_histology.table import write


def main() -> None:
    """Write the table and say how many pictures are in it."""
    parser = argparse.ArgumentParser(prog="medtransfer_breast_histology", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("table", type=Path)
    asked = parser.parse_args()
    print(f"{write(asked.folder, asked.table)} pictures")


if __name__ == "__main__":
    main()
