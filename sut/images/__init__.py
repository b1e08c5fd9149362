"""The shop's images: their names, and the building of those that are missing.

`tag(role)` names the image of a role by what goes into it; `build(roles)` makes sure that such images exist;
`python3 -m sut.images` does so for every role. Only the standard library is used: this runs before there is a venv.
"""

from sut.images.build import build, roles, tag

__all__ = ["build", "roles", "tag"]
