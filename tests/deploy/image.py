"""The image, built by buildah on a base of Debian's packages, and started in a root of its own, without a daemon."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from authorities import outside
from javascript import missing

ROOT = Path(__file__).parents[2]
BASE, IMAGE = "localhost/liftgate-test-base", "localhost/liftgate-test"
NEEDED = ("buildah", "mmdebstrap")
UID = 12345
"""Of nobody in the image: any user may run it."""


def run(*command: str, seconds: float = 600, environ: Mapping[str, str] | None = None) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=seconds, check=False, env={**outside(), **(environ or {})}
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    return done.stdout.strip()


def check_tools() -> None:
    """Skips the test where they are missing and cannot be installed, and fails it there in CI."""
    if os.geteuid() != 0:
        missing("an image is built as root here")
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking:
        if shutil.which("apt-get") is None:
            missing(f"{' and '.join(lacking)} cannot be installed")
        run("apt-get", "-qq", "update")
        run("apt-get", "-qq", "install", "-y", "--no-install-recommends", *NEEDED)


def base_image(folder: Path) -> str:
    """Debian and its Python, as small as they come. Kept between runs."""
    if subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        tree = folder / "base.tar"
        packages = "python3,python3-venv,binutils"
        run("mmdebstrap", "--variant=minbase", f"--include={packages}", "bookworm", str(tree), seconds=900)
        container = run("buildah", "from", "scratch")
        run("buildah", "add", container, str(tree), "/")
        run("buildah", "commit", "--quiet", container, BASE)
        run("buildah", "rm", container)
    return BASE


def built(folder: Path) -> str:
    """The image, of the files that git knows and of wheels that were fetched before: the build asks no registry."""
    context = folder / "context"
    for name in run("git", "-C", str(ROOT), "ls-files").splitlines():
        target = context / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, target)
    for lock in ("requirements", "build"):
        run(
            *(str(ROOT / ".tools/bin/python"), "-m", "pip", "download", "--quiet", "--require-hashes"),
            *("--only-binary", ":all:", "--python-version", "3.11", "-d", str(context / "wheels")),
            *("-r", str(ROOT / f"deploy/{lock}.lock")),
        )
    run(
        *("buildah", "build", "--quiet", "--isolation", "chroot", "--pull-never", "--network", "host"),
        *("--build-arg", f"BASE={base_image(folder)}"),
        *("--build-arg", "PIP_OPTIONS=--no-index --find-links /src/wheels"),
        *("-f", str(context / "deploy/Dockerfile"), "-t", IMAGE, str(context)),
    )
    return IMAGE


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    """The image's root."""
    container = run("buildah", "from", "--pull-never", image)
    try:
        yield Path(run("buildah", "mount", container))
    finally:
        run("buildah", "umount", container)
        run("buildah", "rm", container)


def started(root: Path, data: Path, environ: Mapping[str, str], command: Sequence[str]) -> subprocess.Popen[bytes]:
    """`command` in the image, which is read-only but for /data, as a user without a name and without any capability."""
    script = (
        'set -e; mount --bind "$1" "$1"; mount --bind "$2" "$1/data"; mount -t proc proc "$1/proc"; '
        'mount -o remount,bind,ro "$1"; root=$1; shift 2; '
        f'exec /usr/sbin/chroot "$root" /usr/bin/setpriv --reuid {UID} --regid 0 --clear-groups --bounding-set=-all '
        '--inh-caps=-all --no-new-privs "$@"'
    )
    return subprocess.Popen(
        ["unshare", "--mount", "sh", "-c", script, "sh", str(root), str(data), *command],
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
