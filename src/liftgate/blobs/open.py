"""From the setting `blob_store` to the store. Object stores are imported only where one is configured."""

from __future__ import annotations

from pathlib import Path

from liftgate.blobs.local import LocalBlobs
from liftgate.blobs.store import BlobStore
from liftgate.errors import ConfigError
from liftgate.settings.values import shown_url

SCHEMES = ("s3", "gs", "az")


def open_blob_store(url: str, data_dir: Path) -> BlobStore:
    """`local` (in `data_dir/blobs`), `s3://bucket/prefix`, `gs://bucket/prefix` or `az://account/container/prefix`.

    Does no I/O. Raises ConfigError.
    """
    if url == "local":
        return LocalBlobs(data_dir / "blobs")
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in SCHEMES or not rest.strip("/"):
        known = ", ".join(f"{name}://…" for name in SCHEMES)
        raise ConfigError(f"blob_store: {shown_url(url)!r} is neither 'local' nor one of {known}.")
    try:
        from liftgate.blobs.objects import ObjectBlobs
    except ImportError as error:
        raise ConfigError(
            f"blob_store: {shown_url(url)!r} needs obstore; in a checkout of Liftgate: pip install '.[objects]'"
            f" ({error})."
        ) from error
    return ObjectBlobs(url)
