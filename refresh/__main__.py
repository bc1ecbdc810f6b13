"""`python -m refresh`."""

import sys

from refresh.cli import main

if __name__ == "__main__":
    sys.exit(main())
