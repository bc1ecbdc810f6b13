"""`python -m console.audit`."""

import sys

from console.audit.cli import main

if __name__ == "__main__":
    sys.exit(main())
