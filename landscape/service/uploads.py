"""Imported files as they lie in the working folder: weights and a manifest, one folder per file. No torch here."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import msgspec

from landscape.core.files import write_error
from landscape.service.home import Home

WEIGHTS_FILE = "weights.safetensors"
MANIFEST_FILE = "manifest.json"


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did.

    Attributes:
        name: The file's name as its sender gave it, cleaned; of unknown origin, to be escaped on display.
        sha256: Hex digest of the file as it came.
        size: Its bytes.
        kind: "zip" (torch.save), "legacy" (torch.save before 1.6) or "safetensors".
        imported: Seconds since 1970, UTC.
        found_in: Under which key the weights were found, "" for the top level, dots between nested keys.
        prefixes: Prefixes taken off every name, outermost first.
        dropped: Names that were left out because they are no weights.
        casts: Conversions, in words.
        warnings: Whole sentences that a person should read.
        architecture: Its name, or "" if not recognised.
        input_shape: Shape of one input, where the weights tell.
        classes: Number of classes, or None.
        parameters: Number of trainable numbers if recognised, else of all floating-point numbers.
        digest: Digest of architecture and tensors, or None if not recognised.
        problem: One sentence why the file cannot be evaluated, or None.
    """

    name: str
    sha256: str
    size: int
    kind: str
    imported: float
    found_in: str = ""
    prefixes: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    casts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    architecture: str = ""
    input_shape: tuple[int, ...] | None = None
    classes: int | None = None
    parameters: int = 0
    digest: str | None = None
    problem: str | None = None


@dataclass(frozen=True)
class Upload:
    """An imported file.

    Attributes:
        folder: Where it lies.
        manifest: What is known of it.
    """

    folder: Path
    manifest: Manifest

    @property
    def weights(self) -> Path:
        """The weights as safetensors, which every other part reads."""
        return self.folder / WEIGHTS_FILE

    @property
    def name(self) -> str:
        """The file's name as its sender gave it, cleaned."""
        return self.manifest.name

    @property
    def problem(self) -> str | None:
        """One sentence why it cannot be evaluated, or None."""
        return self.manifest.problem


def uploads(home: Home) -> list[Upload]:
    """All imported files, newest first."""
    found = [load_upload(path.parent) for path in home.uploads.glob(f"*/{MANIFEST_FILE}")]
    return sorted(
        (upload for upload in found if upload is not None),
        key=lambda upload: (-upload.manifest.imported, upload.manifest.sha256),
    )


def load_upload(folder: Path) -> Upload | None:
    """The imported file in a folder, or None if there is none or its manifest is damaged."""
    try:
        manifest = msgspec.json.decode((folder / MANIFEST_FILE).read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError):
        return None
    return Upload(folder, manifest)


def delete_upload(upload: Upload) -> None:
    """Remove an imported file; results computed from it stay.

    Raises:
        StoreError: The folder may not be written.
    """
    try:
        # Without its manifest it is no upload any more, whatever becomes of the rest.
        (upload.folder / MANIFEST_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise write_error(upload.folder, error) from error
    shutil.rmtree(upload.folder, ignore_errors=True)
