"""`python -m console.review`."""

import sys

from console.review.cli import main

if __name__ == "__main__":
    sys.exit(main())
