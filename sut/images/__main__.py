"""`python3 -m sut.images [ROLE…]`: build the missing images, one line for each."""

import sys

from harness.errors import SetupError
from sut.images import build, roles

if __name__ == "__main__":
    try:
        build(sys.argv[1:] or roles())
    except SetupError as error:
        sys.exit((print(f"images: {error}", file=sys.stderr), error.exit_code)[1])
