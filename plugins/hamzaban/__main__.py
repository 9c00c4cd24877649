"""Run the command line as `python -m hamzaban`."""

import sys

from hamzaban.cli import main

if __name__ == "__main__":
    sys.exit(main())
