"""Commands as a person types them: the whole command line, in this process."""

import contextlib
import io
from unittest.mock import patch

from harness import cli
from harness.model import noun


@noun
class Typed:
    """What a command printed, and the code that it ended with."""

    code: int
    out: str
    err: str


def typed(*words: str) -> Typed:
    """Type a command; give what came of it. Raises what no user may ever see."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with patch("sys.argv", ["windtunnel", *words]), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return Typed(code=code, out=out.getvalue(), err=err.getvalue())
