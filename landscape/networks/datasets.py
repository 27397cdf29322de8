"""Data sets by name and by path."""

from pathlib import Path

from landscape.core.data_references import parse_modifiers, split_reference
from landscape.core.errors import DataError, unknown_name
from landscape.networks import handwritten_digits
from landscape.networks.archives import ARCHIVE_SUFFIXES, archive_suffix
from landscape.networks.array_files import load_arrays
from landscape.networks.data_variants import apply_modifiers
from landscape.networks.decoded_cache import load_through_cache
from landscape.networks.image_trees import load_image_tree
from landscape.networks.raw_data import check_raw, normalise
from landscape.networks.tasks import Data
from landscape.networks.torchvision_sets import TORCHVISION_FILES, load_torchvision

# Where torchvision's own examples keep their files.
DEFAULT_FOLDER = Path("data")


def data_names() -> tuple[str, ...]:
    """Names that are known without a path."""
    return (handwritten_digits.NAME, *TORCHVISION_FILES)


def load_data(
    reference: str, *, download: bool = False, cache: Path | None = None, folder: Path | None = None
) -> Data:
    """A data set as normalised tensors on the CPU.

    Args:
        reference: A name from `data_names`, in any case, or a path (`./digits` for a folder of that name): a folder,
            `.zip` or `.tar(.gz|.xz)` with `train/<class>/*` and `test/<class>/*`, or an `.npz` with
            `x_train, y_train, x_test, y_test` (`array_files.load_arrays` says which shapes it may have). Behind any of
            these, modifiers from left to right: `:noise=0.2` gives a fifth of the training examples another label,
            `:validation=0.2` holds a fifth of the training split out and puts it in place of the test split; a seed
            may follow, as in `digits:noise=0.2/3`. Both keep the normalisation of the data set as it is.
        download: Whether torchvision may fetch a named data set that is not there yet.
        cache: Folder for decoded images, which makes the second load quick; None decodes every time.
        folder: Where torchvision's files lie or go; None for `data` in the working directory.

    Returns:
        Both splits; the digest depends on values, labels, class names and modifiers only.

    Raises:
        DataError: The data set is unknown, missing, damaged, or no classifier could learn from it; or a modifier is
            unknown, out of range, or has too few examples.
    """
    base, modifiers = split_reference(reference)
    parse_modifiers(modifiers)  # a slip of the pen is told before anything is read
    return apply_modifiers(_load_base(base, download, cache, folder), modifiers)


def _load_base(reference: str, download: bool, cache: Path | None, folder: Path | None) -> Data:
    known = {name.casefold(): name for name in data_names()}.get(reference.casefold())
    if known is None:
        return _load_path(Path(reference).expanduser(), reference, cache)
    if known == handwritten_digits.NAME:
        return normalise(
            handwritten_digits.load_digits(),
            name=known,
            source=handwritten_digits.SOURCE,
            scale=handwritten_digits.SCALE,
        )
    folder = folder or DEFAULT_FOLDER
    raw = load_torchvision(known, folder, download=download)
    check_raw(raw, known)
    return normalise(raw, name=known, source=f"{folder.resolve()} (torchvision)")


def _load_path(path: Path, reference: str, cache: Path | None) -> Data:
    suffix = ".npz" if path.suffix.lower() == ".npz" else archive_suffix(path)
    if not path.exists():
        if suffix or len(path.parts) > 1:
            raise DataError(f"There is no file or folder {path}; check the path.")
        raise DataError(
            f"{unknown_name('data set', reference, data_names())} A folder, {', '.join(ARCHIVE_SUFFIXES)} "
            "or .npz file will do as well."
        )
    if path.is_dir():
        suffix = ""
    elif not suffix:
        raise DataError(
            f"{path} is in no known format; expected a folder, {', '.join(ARCHIVE_SUFFIXES)} or .npz."
        )
    raw = load_arrays(path) if suffix == ".npz" else load_through_cache(path, cache, load_image_tree)
    check_raw(raw, str(path))
    # The name has no suffix but keeps other dots, and a folder named "." has the name of the folder it stands for.
    name = path.resolve().name
    return normalise(raw, name=name[: len(name) - len(suffix)] or name, source=str(path.resolve()))
