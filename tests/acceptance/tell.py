"""Is windtunnel, and tells the passwords of its shop: ``python -m tests.acceptance.tell FILE -- ARGUMENTS OF WINDTUNNEL``.

They are written to FILE as JSON as soon as the shop runs, so that one can search for them.
"""

import json
import sys
from pathlib import Path

from harness import cli
from harness.planned import Plan
from harness.shop import Site
from sut.running import RunningReferenceShop
from sut.shop import ReferenceShop


def main() -> None:
    """Let the shop tell its passwords when it is started, then be windtunnel."""
    file, start = Path(sys.argv[1]), ReferenceShop.start

    def telling(self: ReferenceShop, plan: Plan, site: Site) -> RunningReferenceShop:
        shop = start(self, plan, site)
        file.write_text(json.dumps(shop.secrets), encoding="utf-8")
        return shop

    ReferenceShop.start = telling  # type: ignore[method-assign]  # that is what this module is for
    sys.argv = ["windtunnel", *sys.argv[3:]]
    cli.main()


if __name__ == "__main__":
    main()
