"""Uploads from end to end: two go through the real child process, the rest through its functions in this one."""

import errno
import os
import stat
import subprocess
import sys

import pytest
import torch

from landscape.core.errors import CheckpointError, StoreError
from landscape.core.weights_header import read_header
from landscape.networks.architectures import build_network
from landscape.networks.checkpoint_files import load_checkpoint_file, save_checkpoint
from landscape.networks.checkpoints import Checkpoint, CheckpointMetadata
from landscape.service import import_child, imports
from landscape.service.gate import Inspection
from landscape.service.imports import clean_name, delete_upload, import_upload, uploads
from landscape.service.locks import locked
from landscape.service.processes import EXIT_DISK_FULL
from tests.service.corpus import evil, legacy, must_load, saved, small_network

NETWORK = build_network("convnet", (1, 8, 8), 7)
STATE = NETWORK.state_dict()


def _convert(tmp_path, content, form="zip", label="given.pt"):
    (tmp_path / "new").mkdir()
    (tmp_path / "file").write_bytes(content)
    return import_child.convert(tmp_path / "file", tmp_path / "new", label=label, form=form, sha256="0" * 64)


def _left(home):
    return [*home.quarantine.iterdir(), *home.uploads.iterdir()]


def test_an_upload_goes_through_the_child_once(home, tmp_path, monkeypatch):
    half = {f"module.{name}": t.half() if t.is_floating_point() else t for name, t in STATE.items()}
    (tmp_path / "model.th").write_bytes(saved({"epoch": 3, "state_dict": half}))
    (tmp_path / "latest").symlink_to(tmp_path / "model.th")
    upload = import_upload(tmp_path / "latest", "C:\\models\\<b>mine.th", home)
    manifest = upload.manifest
    assert (manifest.name, manifest.found_in, manifest.prefixes, manifest.kind) == (
        "<b>mine.th", "state_dict", ("module.",), "zip",
    )  # fmt: skip
    assert (manifest.architecture, manifest.classes, manifest.casts) == (
        "convnet",
        7,
        ("float16 to float32",),
    )
    assert (upload.problem, manifest.warnings) == (None, ())
    checkpoint = load_checkpoint_file(upload.weights)
    assert checkpoint.digest == manifest.digest
    assert (checkpoint.label, checkpoint.space.dimension) == ("<b>mine", manifest.parameters)
    for name, tensor in checkpoint.state_dict().items():
        torch.testing.assert_close(
            tensor, STATE[name].half().to(tensor.dtype) if tensor.is_floating_point() else STATE[name]
        )
    assert stat.S_IMODE(upload.weights.stat().st_mode) == 0o400
    assert list(home.quarantine.iterdir()) == []
    assert [found.manifest.sha256 for found in uploads(home)] == [upload.folder.name]

    monkeypatch.setattr(imports, "start_module", None)  # a second child would fail
    again = import_upload((tmp_path / "model.th").read_bytes(), "-another name.pt", home)
    assert again == upload
    delete_upload(upload)
    assert uploads(home) == []
    assert not upload.folder.exists()


def test_what_torch_refuses_is_one_sentence_of_ours(home, monkeypatch):
    # The gate stands aside, so that the child has to defend itself.
    monkeypatch.setattr(imports, "inspect", lambda file, label: Inspection("zip", ()))
    marker = home.path / "marker"
    with pytest.raises(
        CheckpointError, match=r"^'-x.pt' cannot be used: torch cannot read it; save the weights again"
    ):
        import_upload(evil(marker)["D01 system in zip"], "-x.pt", home)
    assert not marker.exists()
    assert _left(home) == []
    assert "UnpicklingError" in (home.jobs / "imports.log").read_text()


def test_torch_alone_runs_no_code_either(tmp_path):
    for content in evil(tmp_path / "marker").values():
        (tmp_path / "file").write_bytes(content)
        with pytest.raises(Exception, match=r"(?s).*"):  # torch has many words for it; only the marker counts
            import_child._read(tmp_path / "file", "zip")
    assert not (tmp_path / "marker").exists()


def test_the_gate_keeps_the_child_away(home, monkeypatch):
    monkeypatch.setattr(imports, "start_module", None)
    marker = home.path / "marker"
    for content in evil(marker).values():
        with pytest.raises(CheckpointError, match=r"^'evil.pt' cannot be used: it (refers to|is a) Python"):
            import_upload(content, "../evil.pt", home)
    assert not marker.exists()
    assert _left(home) == []


@pytest.mark.parametrize("name", must_load())
def test_the_must_load_set_is_kept_exactly(tmp_path, name):
    content = must_load()[name]
    form = {"A05 legacy": "legacy", "A11 safetensors": "safetensors"}.get(name, "zip")
    manifest = _convert(tmp_path, content, form)
    kept = read_header(tmp_path / "new" / "weights.safetensors").tensors
    if name == "A10 big-endian":
        from safetensors.torch import load_file

        assert load_file(tmp_path / "new" / "weights.safetensors")["w"].tolist() == [1, 2, 3, 4]
    elif name.startswith(("A06", "A07", "A08", "A11")):
        assert manifest.parameters > 0
    elif name == "A09 parameters":
        assert list(kept) == sorted(dict(small_network().named_parameters()))
    else:
        assert set(kept) == set(small_network().state_dict())
    assert "The tensors fit no known architecture" in str(manifest.problem)


def test_a_prefix_that_belongs_to_the_network_is_put_back(tmp_path):
    manifest = _convert(tmp_path, saved({f"net.{name}": tensor for name, tensor in STATE.items()}))
    assert (manifest.architecture, manifest.prefixes) == ("convnet", ("net.",))


def test_a_file_from_before_batch_counters_is_recognised(tmp_path):
    old = {name: tensor for name, tensor in STATE.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(STATE)
    manifest = _convert(tmp_path, legacy(old), "legacy")
    assert (manifest.architecture, manifest.problem) == ("convnet", None)
    assert set(load_checkpoint_file(tmp_path / "new" / "weights.safetensors").state_dict()) == set(STATE)


def test_nan_is_accepted_with_a_warning(tmp_path):
    state = {name: tensor.clone() for name, tensor in STATE.items()}
    name = next(name for name in state if state[name].ndim > 1)
    state[name].view(-1)[:2] = torch.tensor([float("nan"), float("inf")])
    manifest = _convert(tmp_path, saved(state))
    (warning,) = manifest.warnings
    assert warning.startswith("2 of its ")
    assert warning.endswith("numbers are NaN or infinite; its loss will be NaN or infinite too.")
    assert manifest.problem is None


@pytest.mark.parametrize("architecture", ["convnet", "perceptron of theirs"])
def test_a_checkpoint_of_ours_keeps_its_metadata(tmp_path, architecture):
    metadata = CheckpointMetadata(
        architecture=architecture, step=690, data="digits", data_digest="d", metrics={"a": 1.0}
    )
    checkpoint = Checkpoint.from_module(NETWORK, metadata)
    save_checkpoint(checkpoint, tmp_path / "own.safetensors")
    manifest = _convert(tmp_path, (tmp_path / "own.safetensors").read_bytes(), "safetensors")
    assert manifest.digest == checkpoint.digest
    assert load_checkpoint_file(tmp_path / "new" / "weights.safetensors").metadata == metadata
    if architecture != "convnet":
        assert "There is no architecture named 'perceptron of theirs'" in str(manifest.problem)
    else:
        assert manifest.problem is None


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("model.pt", "model.pt"), ("../../x.pt", "x.pt"), ("C:\\a\\x.pt", "x.pt"), ("a\0b.pt", "a_b.pt"),
        ("x" * 300, "x" * 120), ("<script>.pt", "<script>.pt"), ("CON.pt", "CON.pt"), ("a\u202etp.exe", "a_tp.exe"),
        ("", "upload"), ("..", ".."), ("\x1b[2J", "_[2J"), ("/", "upload"),
    ],
)  # fmt: skip
def test_names_are_labels_only(name, label):
    assert clean_name(name) == label


class _Child:
    """A child that ends as told."""

    def __init__(self, status):
        self.status = status

    def wait(self, timeout=None):
        if self.status is None and timeout is not None:
            raise subprocess.TimeoutExpired("child", timeout)
        return self.status

    def kill(self):
        pass


@pytest.mark.parametrize(
    ("status", "error", "sentence"),
    [
        (EXIT_DISK_FULL, StoreError, "is full; free some space and resume"),
        (-9, CheckpointError, r"'x.pt' cannot be used: reading it failed \(.*imports.log says how\); save the"),
        (None, CheckpointError, "^'x.pt' cannot be used: reading it takes too long; save the weights again"),
        (0, CheckpointError, "The import left no manifest in .*; import the file again"),
    ],
)  # fmt: skip
def test_however_the_child_ends_nothing_is_left(home, monkeypatch, status, error, sentence):
    monkeypatch.setattr(imports, "start_module", lambda *arguments, **options: _Child(status))
    with pytest.raises(error, match=sentence):
        import_upload(saved(STATE), "x.pt", home)
    assert list(home.quarantine.iterdir()) == []
    assert uploads(home) == []


def test_a_full_disk_while_copying(home, monkeypatch):
    def refuse(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(imports, "_create", refuse)
    with pytest.raises(StoreError, match="is full; free some space and resume"):
        import_upload(b"x", "x.pt", home)


def test_the_exit_status_tells_a_full_disk_from_a_refusal(tmp_path, monkeypatch):
    monkeypatch.setattr(import_child, "limit_process", lambda size: None)
    (tmp_path / "file").write_bytes(saved({"w": torch.ones(2)}))
    arguments = [str(tmp_path / "file"), str(tmp_path / "new"), "x.pt", "zip", "0" * 64]

    def fail(error):
        def convert(*arguments, **options):
            raise error

        monkeypatch.setattr(import_child, "convert", convert)
        (tmp_path / "new").mkdir(exist_ok=True)
        status = import_child.main(arguments)
        refusal = tmp_path / "new" / "refusal.txt"
        return status, refusal.read_text() if refusal.exists() else ""

    assert fail(StoreError("full")) == (EXIT_DISK_FULL, "")
    assert fail(MemoryError()) == (
        1, "reading it needs far more memory than its size explains; save the weights alone and try again",
    )  # fmt: skip
    assert fail(CheckpointError(f"{tmp_path / 'file'} is damaged.")) == (1, "the file is damaged")


def test_sources_that_are_no_files(home, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        CheckpointError, match=r"^'pipe' cannot be used: it is not a regular file; give a file"
    ):
        import_upload(tmp_path / "pipe", "pipe", home)
    with pytest.raises(
        CheckpointError, match=r"it cannot be opened \(No such file or directory\); check the path"
    ):
        import_upload(tmp_path / "absent.pt", "absent.pt", home)
    with pytest.raises(
        CheckpointError, match=r"^'mem' cannot be used: it cannot be read \(.*\); check the disk"
    ):
        import_upload("/proc/self/mem", "mem", home)


def test_a_file_that_grows_past_the_limit(home, monkeypatch):
    from landscape.service.gate_rules import Limits

    monkeypatch.setattr(imports, "LIMITS", Limits(file=1 << 20))
    with pytest.raises(CheckpointError, match="it has more than 1 MiB, which is the limit"):
        import_upload(bytes(3 << 20), "x.pt", home)
    assert _left(home) == []


def test_one_import_at_a_time_and_leftovers_are_swept(home, monkeypatch):
    (home.quarantine / "old.part").write_bytes(b"x")
    (home.quarantine / "old.new").mkdir()
    monkeypatch.setattr(imports, "_LOCK_SECONDS", 0.0)
    with (
        locked(home.path / "import.lock", patience=0),
        pytest.raises(
            StoreError, match="Another file is still being imported; wait a moment, then try again"
        ),
    ):
        import_upload(b"", "x.pt", home)
    with pytest.raises(CheckpointError, match="it is empty"):
        import_upload(b"", "x.pt", home)
    assert _left(home) == []


def test_the_child_is_limited_for_good():
    code = (
        "import resource, torch\n"
        "from landscape.service.import_child import limit_process\n"
        "limit_process(1000)\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == 64\n"
        "torch.ones(20 << 20)\n"
        "try:\n"
        "    torch.ones(400 << 20)\n"
        "except RuntimeError as error:\n"
        "    print('memory' in str(error))\n"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (child.stdout, child.returncode) == ("True\n", 0), child.stderr
