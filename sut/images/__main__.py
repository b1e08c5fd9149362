"""`python3 -m sut.images [ROLE…]`: build the missing images, one line for each."""

import sys

from harness.errors import SetupError
from sut.images import build, roles


def main() -> int:
    """Build; return the exit code: 0, 10 when an image cannot be built, 130 when interrupted."""
    try:
        build(sys.argv[1:] or roles())
    except SetupError as error:
        print(f"images: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
