"""Writing what was compiled: a deterministic archive, the unpacked tree and the manifest, all or nothing."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

FOLDER = "course"
# A fixed moment keeps two builds byte for byte equal.
FIXED_TIME = 0


def pack(files: Mapping[str, bytes]) -> bytes:
    """Return a ``.tar.gz`` of ``files`` below one folder; equal files give equal bytes."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for folder in sorted(_folders(files)):
            archive.addfile(_member(folder, 0o755, tarfile.DIRTYPE, 0))
        for path in sorted(files):
            member = _member(f"{FOLDER}/{path}", 0o644, tarfile.REGTYPE, len(files[path]))
            archive.addfile(member, io.BytesIO(files[path]))
    packed = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=packed, mode="wb", compresslevel=9, mtime=FIXED_TIME) as file:
        file.write(plain.getvalue())
    return packed.getvalue()


def _folders(files: Mapping[str, bytes]) -> set[str]:
    folders = {FOLDER}
    for path in files:
        parts = path.split("/")[:-1]
        folders |= {"/".join((FOLDER, *parts[:depth])) for depth in range(1, len(parts) + 1)}
    return folders


def _member(name: str, mode: int, kind: bytes, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.mode, member.type, member.size, member.mtime = mode, kind, size, FIXED_TIME
    return member


def write_build(output: Path, files: Mapping[str, bytes], manifest: bytes) -> None:
    """Write archive, tree and manifest into ``output``; what stood there stays until the new build is complete."""
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".build-", dir=output) as name:
        fresh = Path(name)
        for path, content in files.items():
            target = fresh / "olx" / FOLDER / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        (fresh / "course.tar.gz").write_bytes(pack(files))
        (fresh / "manifest.json").write_bytes(manifest)
        old = fresh / "old"
        if (output / "olx").exists():
            (output / "olx").rename(old)
        (fresh / "olx").rename(output / "olx")
        shutil.rmtree(old, ignore_errors=True)
        for file in ("course.tar.gz", "manifest.json"):
            (fresh / file).replace(output / file)
