"""`python -m console.decisions`."""

import sys

from console.decisions.cli import main

if __name__ == "__main__":
    sys.exit(main())
