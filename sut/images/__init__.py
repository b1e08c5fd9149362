"""The shop's images: their names, and the building of those that are missing.

`tag(role)` names the image of a role by what goes into it; `build(roles)` makes sure that such images exist;
`python3 -m sut.images` does so for every role but those `ON_DEMAND`, which are built when a plan needs them. Only the
standard library is used: this runs before there is a venv.
"""

from sut.images.build import ON_DEMAND, build, roles, tag

__all__ = ["ON_DEMAND", "build", "roles", "tag"]
