"""Files of a folder, a `.zip` or a `.tar`, one after the other and in memory: nothing is ever extracted."""

import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from landscape.core.errors import DataError
from landscape.core.requests import SPLITS

ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz")

# Ours: far above any image or data set that fits into memory, far below what would hang the machine.
MAX_FILE_BYTES = 64 << 20
MAX_FILES = 5_000_000

Wanted = Callable[[PurePosixPath], bool]


def archive_suffix(path: Path) -> str:
    """The suffix by which an archive is known, or an empty string."""
    return next((suffix for suffix in ARCHIVE_SUFFIXES if path.name.lower().endswith(suffix)), "")


def iterate_files(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Path inside and content of each wanted file below a folder or in an archive.

    Links in a folder are followed, since the folder is the user's own; an archive with links is refused.

    Raises:
        DataError: The archive is damaged or cut short, holds links, paths that lead outside, or huge files; a file
            may not be read.
    """
    try:
        if path.is_dir():
            for inside, file in folder_files(path):
                if wanted(inside):
                    yield inside, file.read_bytes()
        elif archive_suffix(path) == ".zip":
            yield from _zip_files(path, wanted)
        else:
            yield from _tar_files(path, wanted)
    except PermissionError as error:
        raise DataError(
            f"{error.filename or path} may not be read; change its permissions or copy it."
        ) from error
    except (EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as error:
        reason = str(error).partition("\n")[0].rstrip(":")  # tarfile goes on with a list of all it has tried
        raise DataError(f"{path} is cut short or damaged ({reason}); copy or download it again.") from error
    except (NotImplementedError, RuntimeError) as error:  # zipfile: an unknown compression; a password
        raise DataError(
            f"{path} cannot be unpacked ({error}); pack it again as a plain .zip or .tar.gz."
        ) from error


def folder_files(folder: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """Path inside and path of each file below `train` and `test`, in order of name.

    The two lie in the folder itself or one level below. Files are sought four levels below them at most, so that links
    that lead back to their own folder come to an end; and nothing else is searched, were it the whole disk.
    """
    here = [folder / split for split in SPLITS if (folder / split).is_dir()]
    below = [child / split for child in sorted(folder.iterdir()) for split in SPLITS] if not here else []
    for top in here or below:
        yield from _walk(top, PurePosixPath(top.relative_to(folder).as_posix()), depth=4)


def _walk(path: Path, inside: PurePosixPath, depth: int) -> Iterator[tuple[PurePosixPath, Path]]:
    if path.is_file():
        yield inside, path
    elif depth and path.is_dir():
        for child in sorted(path.iterdir()):
            yield from _walk(child, inside / child.name, depth - 1)


def _zip_files(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for number, info in enumerate(archive.infolist()):
            inside = _check_member(path, info.filename, info.file_size, number)
            if stat.S_ISLNK(info.external_attr >> 16):
                raise _link_error(path, info.filename)
            if not info.is_dir() and wanted(inside):
                yield inside, archive.read(info)


def _tar_files(path: Path, wanted: Wanted) -> Iterator[tuple[PurePosixPath, bytes]]:
    with tarfile.open(path, "r:*") as archive:
        for number, member in enumerate(archive):
            inside = _check_member(path, member.name, member.size, number)
            if member.issym() or member.islnk():
                raise _link_error(path, member.name)
            file = archive.extractfile(member) if wanted(inside) else None
            if file is not None:
                yield inside, file.read()
        # A whole archive ends with a block of zeros, which has been read by now; one cut between two files has none.
        packed = archive.fileobj
        if packed is None or packed.tell() <= archive.offset:
            raise EOFError("its end mark is missing")
        packed.read(
            MAX_FILE_BYTES
        )  # the check sum of gzip and xz comes last, and is looked at only when reached


def _check_member(path: Path, name: str, size: int, number: int) -> PurePosixPath:
    inside = PurePosixPath(name.replace("\\", "/"))
    if inside.is_absolute() or ".." in inside.parts or ":" in (inside.parts or ("",))[0]:
        raise DataError(
            f"{path} holds the path {name!r}, which leads outside the archive; pack the folder again."
        )
    if size > MAX_FILE_BYTES:
        raise DataError(
            f"{name} in {path} has {size / 2**20:.0f} MiB; a single image may have {MAX_FILE_BYTES >> 20} MiB."
        )
    if number >= MAX_FILES:
        raise DataError(f"{path} holds more than {MAX_FILES} files; give a smaller data set.")
    return inside


def _link_error(path: Path, name: str) -> DataError:
    return DataError(f"{path} holds the link {name!r}; pack the files themselves instead of links.")
