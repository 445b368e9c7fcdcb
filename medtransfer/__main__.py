"""``python -m medtransfer``: the same as the command ``medtransfer``."""

from __future__ import annotations

from medtransfer.cli.start import main

if __name__ == "__main__":
    main()
