"""The names and the building of images, without an engine: a stub `docker` records what it is told."""

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SetupError
from harness.shop import Gallery, Imaged
from sut import starting
from sut.defects import DEFECTS
from sut.images import base, build, roles, tag
from sut.images.build import CA_BUNDLE, DOCKERFILE, DOWNLOAD_CA, ON_DEMAND, ROOT, context
from sut.shop import ReferenceShop
from sut.starting import demand_images

Stub = Callable[[str, str], None]
NO_MIRROR = base.Mirrors()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Give a copy of what images are made from, to be changed at will."""
    root = tmp_path / "tree"
    (root / "sut/services/storefront").mkdir(parents=True)
    (root / DOCKERFILE).parent.mkdir()
    shutil.copy(ROOT / DOCKERFILE, root / DOCKERFILE)
    (root / "sut/services/storefront/__main__.py").write_text("print('open')\n")
    (root / "sut/images/pictures.py").write_text("print('painted')\n")
    return root


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stub:
    """Put commands of our own, and nothing else but a shell's, on PATH; each notes its arguments in `calls`."""
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    monkeypatch.setenv("PATH", str(bin_))

    def write(name: str, body: str) -> None:
        (bin_ / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/calls\n{body}\n')
        (bin_ / name).chmod(0o755)

    return write


def calls(tmp_path: Path) -> list[str]:
    return (tmp_path / "calls").read_text().splitlines()


def names(tree: Path) -> dict[str, str]:
    return {role: tag(role, tree) for role in roles(tree)}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {role for role in before if before[role] != after[role]}


def test_each_role_has_a_name_made_of_role_and_hash() -> None:
    assert roles() == [
        *("tools", "etcd", "haproxy", "valkey", "nginx", "alertmanager", "prometheus", "varnish", "postgres", "app")
    ]
    for role in roles():
        repository, _, digits = tag(role).partition(":")
        assert repository == f"windtunnel/{role}"
        assert len(digits) == 12
        assert int(digits, 16) >= 0


def test_equal_inputs_have_equal_names(tree: Path) -> None:
    before = names(tree)
    (tree / DOCKERFILE).touch()
    (tree / "sut/services/storefront/__pycache__").mkdir()
    (tree / "sut/services/storefront/__pycache__/__main__.cpython-311.pyc").write_bytes(b"cached")
    assert changed(before, names(tree)) == set()


def test_a_change_of_the_base_stage_renames_every_image(tree: Path) -> None:
    before = names(tree)
    file = tree / DOCKERFILE
    file.write_text(file.read_text().replace("ENV LANG=C.UTF-8", "ENV LANG=C"))
    assert changed(before, names(tree)) == set(before)


def test_a_change_of_one_stage_renames_its_image_alone(tree: Path) -> None:
    before = names(tree)
    file = tree / DOCKERFILE
    file.write_text(file.read_text().replace("USER etcd", "USER root"))
    assert changed(before, names(tree)) == {"etcd"}


@pytest.mark.parametrize(
    "change",
    [
        lambda services: (services / "storefront/__main__.py").write_text("print('closed')\n"),
        lambda services: (services / "storefront/__main__.py").rename(services / "storefront/main.py"),
        lambda services: (services / "storefront/__main__.py").chmod(0o755),
        lambda services: (services / "later.py").touch(),
    ],
    ids=["content", "name", "mode", "new file"],
)
def test_a_change_of_a_copied_file_renames_the_image_that_copies_it(tree: Path, change: Callable[[Path], object]) -> None:
    before = names(tree)
    change(tree / "sut/services")
    assert changed(before, names(tree)) == {"app"}


def test_an_unknown_role_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match=r"no stage 'mailer'; it has tools, etcd, haproxy"):
        tag("mailer")


def test_the_context_holds_what_is_hashed_and_no_trace_of_the_checkout(tree: Path) -> None:
    first = context(tree)
    (tree / "sut/services/storefront/__main__.py").touch()
    (tree / "secret").write_text("not for images")
    assert context(tree) == first
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        bundles = [CA_BUNDLE, DOWNLOAD_CA]
        copied = ["sut/images/pictures.py", "sut/services/storefront/__main__.py"]
        assert archive.getnames() == ["sut/services", *bundles, DOCKERFILE, *copied]


def test_present_images_are_not_built(tree: Path, tmp_path: Path, stub: Stub) -> None:
    stub("docker", "echo 27.1.1")
    build(["etcd"], tree)
    assert [call.split()[1] for call in calls(tmp_path)] == ["version", "image"]


def test_the_shop_names_its_images_and_tells_of_their_building(stub: Stub, capsys: pytest.CaptureFixture[str]) -> None:
    """To whom it is asked to tell, and to nobody else."""
    stub("docker", "echo 27.1.1")
    shop, said = ReferenceShop(), list[str]()
    assert isinstance(shop, Imaged)
    shop.build_images(said.append)
    assert said == [f"{tag(role)}: present" for role in roles()]
    assert shop.images() == tuple(tag(role) for role in (*roles(), *ON_DEMAND))
    assert capsys.readouterr().out == ""


def test_what_few_plans_need_is_built_when_one_does(tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else must be there before: to build the whole shop is more than a run should begin with."""
    monkeypatch.setattr(starting, "client", lambda: None)
    stub("docker", "exit 1")
    assert ON_DEMAND.isdisjoint(roles())
    assert ReferenceShop().images() == tuple(tag(role) for role in roles())
    with pytest.raises(SetupError, match=rf"no image {tag('etcd')}, .*Type: make prepare"):
        demand_images({"etcd"} | ON_DEMAND, print)
    stub("docker", 'case "$*" in image*toxiproxy*) exit 1 ;; *) echo 27 ;; esac')
    said = list[str]()
    assert demand_images({"etcd"} | ON_DEMAND, said.append) == {role: tag(role) for role in ("etcd", *ON_DEMAND)}
    (built,) = [call for call in calls(tmp_path) if call.startswith("docker build")]
    assert "--target toxiproxy" in built
    assert said == [f"{tag('toxiproxy')}: building", f"{tag('toxiproxy')}: built"]


def test_the_shop_says_what_each_of_its_defects_spoils() -> None:
    shop = ReferenceShop()
    assert isinstance(shop, Gallery)
    assert {shop.spoils(name) for name in shop.declaration.defects} == {defect.sentence for defect in DEFECTS.values()}


def test_without_an_engine_nothing_is_tried(tree: Path, tmp_path: Path, stub: Stub) -> None:
    stub("docker", "exit 1")
    with pytest.raises(SetupError, match=r"no engine answers.*prepare\.py --engine"):
        build(["etcd"], tree)
    assert [call.split()[1] for call in calls(tmp_path)] == ["version"]


def test_a_failed_build_says_why_and_names_nothing(tree: Path, tmp_path: Path, stub: Stub) -> None:
    stub(
        "docker",
        f'case "$*" in version*) echo 27 ;; image*{base.IMAGE}) ;; image*) exit 1 ;; build*) echo E: gone; exit 100 ;; esac',
    )
    with pytest.raises(SetupError, match=r"(?s)ended with 100.*E: gone.*make prepare"):
        build(["etcd"], tree)
    assert not [call for call in calls(tmp_path) if call.startswith(("docker tag", "docker import"))]


def test_proxies_reach_the_build_but_not_its_command_line(
    tree: Path, tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://user:secret@proxy.example:3128")
    note = f'echo "saw $http_proxy" >> {tmp_path}/calls'
    stub("docker", f'case "$*" in version*) echo 27 ;; image*{base.IMAGE}) ;; image*) exit 1 ;; build*) {note} ;; esac')
    build(["etcd"], tree)
    seen = calls(tmp_path)
    assert "saw http://user:secret@proxy.example:3128" in seen
    command = next(call for call in seen if call.startswith("docker build"))
    assert "--build-arg http_proxy" in command
    assert "secret" not in command


def test_a_base_image_that_can_be_pulled_is_not_made(tmp_path: Path, stub: Stub) -> None:
    stub("docker", 'case "$1" in image) exit 1 ;; esac')
    base.provide()
    assert [call.split()[1] for call in calls(tmp_path)] == ["image", "pull"]


def test_a_failing_bootstrap_imports_nothing(tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "as_root", lambda command: [command])
    stub("docker", "echo no registry; exit 1")
    stub("mmdebstrap", "echo half > base.tar; echo E: no keyring; exit 25")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SetupError, match=r"(?s)mmdebstrap ended with 25.*no keyring.*Nothing was imported"):
        base.provide()
    assert [call.split()[1] for call in calls(tmp_path) if call.startswith("docker")] == ["image", "pull"]


def test_a_complete_bootstrap_is_imported_under_the_same_name(
    tmp_path: Path, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "as_root", lambda command: [command])
    stub("docker", 'case "$1" in import) exit 0 ;; *) exit 1 ;; esac')
    stub("mmdebstrap", "exit 0")
    base.provide()
    last = calls(tmp_path)[-1]
    assert last.startswith("docker import")
    assert last.endswith(f"base.tar {base.IMAGE}")


def sources(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return folder


def test_mirrors_are_read_in_the_new_format(tmp_path: Path) -> None:
    text = """Types: deb
# a remark
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""
    found = base.mirrors(sources(tmp_path, "sources.list.d/debian.sources", text))
    assert found == base.Mirrors(main="http://mirror.example/debian", security="http://mirror.example/debian-security")


def test_mirrors_are_read_in_the_old_format(tmp_path: Path) -> None:
    text = "# deb http://old.example/debian trixie main\ndeb [arch=amd64] http://mirror.example/debian trixie main contrib\n"
    assert base.mirrors(sources(tmp_path, "sources.list", text)).main == "http://mirror.example/debian"


@pytest.mark.parametrize(
    "line",
    [
        "deb http://vendor.example/linux/debian bookworm stable",
        "deb http://vendor.example/apt stable main",
        "deb http://mirror.example/ubuntu noble main",
        "deb http://user:secret@mirror.example/debian bookworm main",
        "deb http://apt.example/debian bookworm-pgdg main",
    ],
)
def test_what_is_no_open_debian_mirror_is_passed_over(tmp_path: Path, line: str) -> None:
    assert base.mirrors(sources(tmp_path, "sources.list", line + "\n")) == NO_MIRROR


def test_certificates_stay_out_where_apt_speaks_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    assert base.ca_bundle(base.Mirrors(main="http://mirror.example/debian")) == b""


def test_downloads_from_elsewhere_get_the_named_certificates_if_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("WINDTUNNEL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    assert base.download_ca() == b""
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.crt"))
    with pytest.raises(SetupError, match=r"ca\.crt: the certificates for downloads cannot be read"):
        base.download_ca()
    (tmp_path / "ca.crt").write_text("ours")
    assert base.download_ca() == b"ours"


def test_an_https_mirror_gets_the_named_certificates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secure = base.Mirrors(main="https://mirror.example/debian")
    (tmp_path / "ca.crt").write_text("ours")
    monkeypatch.setenv("WINDTUNNEL_CA_BUNDLE", str(tmp_path / "ca.crt"))
    assert base.ca_bundle(secure) == b"ours"
    monkeypatch.setenv("WINDTUNNEL_CA_BUNDLE", str(tmp_path / "missing.crt"))
    with pytest.raises(SetupError, match=r"missing\.crt.*export WINDTUNNEL_CA_BUNDLE"):
        base.ca_bundle(secure)
