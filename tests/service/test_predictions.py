import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from landscape.core.errors import RequestError, StoppedError
from landscape.core.requests import DiversityRequest, EnsembleRequest
from landscape.core.results import is_complete, provenance_of
from landscape.networks import predictions as networks_predictions
from landscape.networks.checkpoints import Checkpoint
from landscape.networks.predictions import Predictions, Predictor
from landscape.networks.tasks import Task
from landscape.service import tuning
from landscape.service.compute import compute
from landscape.service.predictions import Origin, load_predictions, save_predictions
from landscape.service.store import Store
from tests.conftest import PlainNet, TinyNet, tiny_checkpoint, tiny_data, tiny_task

THREE = {"checkpoints": ("a", "b", "c")}
ORIGIN = Origin(checkpoint="1" * 64, task="t", data="2" * 64, statistics="stored", sample=(None, None, 0))


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Digests of the checkpoints that were asked, in order."""
    digests = []
    predict = Predictor.predict

    def counted(self, checkpoint):
        digests.append(checkpoint.digest)
        return predict(self, checkpoint)

    monkeypatch.setattr(Predictor, "predict", counted)
    return digests


def tiny(count: int = 3, network=TinyNet) -> list[Checkpoint]:
    return [tiny_checkpoint(seed, network) for seed in range(1, count + 1)]


def compute_tiny(request, home, task=None, checkpoints=None, **options):
    return compute(request, home=home, task=task or tiny_task(), checkpoints=checkpoints or tiny(), **options)


def numbers() -> Predictions:
    generator = np.random.default_rng(3)
    return Predictions(
        *(generator.normal(size=(n, 3)).astype(np.float32) * np.float32(1e-30) for n in (7, 5))
    )


# Each is asked once ------------------------------------------------------------------------------------------------


def test_each_checkpoint_is_asked_once_by_all_studies_together(home, asked):
    ensemble = compute_tiny(EnsembleRequest(**THREE), home)
    assert asked[:3] == [each.digest for each in tiny()]
    assert len(asked) == 4  # and the network at the mean of the weights
    diversity = compute_tiny(DiversityRequest(**THREE), home)
    compute_tiny(EnsembleRequest(checkpoints=("c", "a"), bins=5), home, checkpoints=tiny()[::-2])
    assert len(asked) == 5  # the mean of other two
    assert np.array_equal(ensemble["member_nll"], diversity["member_nll"])
    assert is_complete(ensemble)


def test_the_images_pass_once_through_the_network_of_each_checkpoint(home, monkeypatch):
    monkeypatch.setattr(networks_predictions, "BATCH_SIZE", 8)
    passed = []

    class Counting(TinyNet):
        def forward(self, inputs):
            passed.append(len(inputs))
            return super().forward(inputs)

    task = Task("counting", Counting, tiny_data())
    compute_tiny(DiversityRequest(**THREE), home, task)
    probe = passed.pop(0)  # of the layout in memory
    assert probe == 2
    assert sum(passed) == 3 * (37 + 11)
    compute_tiny(DiversityRequest(**THREE, batch_norm="recalibrate"), home, task)
    assert sum(passed) - probe - 8 == 2 * 3 * (37 + 11)  # and 8 that measured the memory


def test_a_single_member_is_its_own_average_and_asked_once(home, asked):
    compute_tiny(EnsembleRequest(checkpoints=("a",), batch_norm="recalibrate"), home, checkpoints=tiny(1))
    assert len(asked) == 1


def test_what_changes_the_numbers_is_kept_apart(home, asked):
    compute_tiny(DiversityRequest(**THREE), home)
    compute_tiny(DiversityRequest(**THREE, batch_norm="recalibrate"), home)
    compute_tiny(DiversityRequest(**THREE, train_samples=20), home)
    compute_tiny(DiversityRequest(**THREE, train_samples=20, sample_seed=1), home)
    compute_tiny(DiversityRequest(**THREE), home, Task("other", TinyNet, tiny_data()))
    compute_tiny(DiversityRequest(**THREE), home, Task("TinyNet", TinyNet, tiny_data(seed=6)))
    assert len(asked) == 6 * 3
    assert len(list((home.path / "predictions").iterdir())) == 6 * 3
    compute_tiny(DiversityRequest(**THREE, sample_seed=1), home)  # of all examples, whatever the seed
    assert len(asked) == 6 * 3


def test_the_same_request_gives_the_same_bits_with_and_without_what_is_kept(home, asked):
    first = compute_tiny(EnsembleRequest(**THREE), home)
    key = provenance_of(first).key
    Store(home).delete(key)
    from_kept = compute_tiny(EnsembleRequest(**THREE), home)
    assert len(asked) == 4
    for file in (home.path / "predictions").iterdir():
        file.unlink()
    Store(home).delete(key)
    anew = compute_tiny(EnsembleRequest(**THREE), home)
    assert len(asked) == 8
    for again in (from_kept, anew):
        assert again.drop_attrs().identical(first.drop_attrs())


# Files ------------------------------------------------------------------------------------------------------------


def test_numbers_come_back_to_the_bit(tmp_path):
    path = tmp_path / "folder" / "p.safetensors"
    save_predictions(numbers(), ORIGIN, path)
    kept = load_predictions(path, ORIGIN)
    assert kept is not None
    assert np.array_equal(kept[1].train, numbers().train)
    assert np.array_equal(kept[1].test, numbers().test)
    assert load_predictions(tmp_path / "absent.safetensors", ORIGIN) is None
    for other in ({"checkpoint": "3" * 64}, {"statistics": "recalibrate"}, {"version": 0}):
        import msgspec

        assert load_predictions(path, msgspec.structs.replace(ORIGIN, **other)) is None


@pytest.mark.parametrize("where", ["header", "numbers", "end", "all"])
def test_a_damaged_file_is_as_good_as_absent(tmp_path, where):
    path = tmp_path / "p.safetensors"
    save_predictions(numbers(), ORIGIN, path)
    content = bytearray(path.read_bytes())
    match where:
        case "header":
            content[10] ^= 1
        case "numbers":
            content[-3] ^= 1
        case "end":
            del content[-8:]
        case _:
            content = bytearray()
    path.write_bytes(content)
    assert load_predictions(path, ORIGIN) is None


def test_damaged_predictions_are_computed_again(home, asked):
    first = compute_tiny(DiversityRequest(**THREE), home)
    damaged, *_ = sorted((home.path / "predictions").iterdir())
    content = bytearray(damaged.read_bytes())
    content[-1] ^= 0x40
    damaged.write_bytes(content)
    Store(home).delete(provenance_of(first).key)
    again = compute_tiny(DiversityRequest(**THREE), home)
    assert len(asked) == 4
    assert np.array_equal(again["correlation"], first["correlation"])


# Stopping ---------------------------------------------------------------------------------------------------------


def test_stopping_keeps_the_networks_that_are_done(home, asked):
    seen = []
    with pytest.raises(StoppedError, match="what is finished is kept, and resuming goes on from there"):
        compute_tiny(
            EnsembleRequest(**THREE),
            home,
            progress=lambda *call: seen.append(call),
            stop=lambda: len(asked) == 2,
        )
    assert seen == [(0, 4, "networks"), (1, 4, "networks"), (2, 4, "networks")]
    assert not list(home.results.glob("*/result.nc"))
    resumed = compute_tiny(EnsembleRequest(**THREE), home)
    assert len(asked) == len(set(asked)) == 4
    assert np.isfinite(resumed["average_nll"]).all()


# Networks of the user's own ---------------------------------------------------------------------------------------


class Fragile(TinyNet):
    def forward(self, inputs):
        if self.head.weight.abs().max() > 100:
            raise FloatingPointError("weights too large")
        return super().forward(inputs)


@pytest.mark.parametrize("kind", [EnsembleRequest, DiversityRequest])
def test_the_users_module_is_bit_identical_afterwards_even_if_it_raised(home, kind):
    mine = Fragile().train()
    before = copy.deepcopy(mine.state_dict())
    task = Task("mine", lambda: mine, tiny_data())
    good, other, _ = tiny()
    wild = replace(other, theta=other.theta * 1e4)
    for statistics in ("stored", "recalibrate"):
        request = kind(checkpoints=("a", "b"), batch_norm=statistics)
        with pytest.raises(FloatingPointError):
            compute_tiny(request, home, task, [good, wild])
        compute_tiny(request, home, task, [good, other])
    assert all(torch.equal(tensor, before[name]) for name, tensor in mine.state_dict().items())
    assert all(layer.training for layer in mine.modules())
    assert all(parameter.requires_grad for parameter in mine.parameters())
    assert type(mine.norm) is nn.BatchNorm2d


def test_too_little_memory_for_recalibration_is_said_before_it_is_tried(home, monkeypatch, asked):
    from types import SimpleNamespace

    monkeypatch.setattr(tuning.psutil, "virtual_memory", lambda: SimpleNamespace(available=1000))
    with pytest.raises(
        RequestError, match=r"on 37 examples at once needs about 0\.0 GB, and 0\.0 GB are free"
    ):
        compute_tiny(DiversityRequest(**THREE, batch_norm="recalibrate"), home, device="cpu")
    assert asked == []
    compute_tiny(DiversityRequest(**THREE), home, device="cpu")


def test_a_result_says_where_its_predictions_were_computed(home):
    plain = [tiny_checkpoint(seed, PlainNet) for seed in (1, 2)]
    request = DiversityRequest(checkpoints=("a", "b"))
    first = compute(request, home=home, task=tiny_task(PlainNet), checkpoints=plain, device="cpu")
    assert provenance_of(first).device == f"CPU, {torch.get_num_threads()} threads"
    one, _ = sorted((home.path / "predictions").iterdir())
    origin = replace_origin(one, device="Abacus")
    Store(home).delete(provenance_of(first).key)
    again = compute(request, home=home, task=tiny_task(PlainNet), checkpoints=plain, device="cpu")
    assert set(provenance_of(again).device.split(" and ")) == {provenance_of(first).device, origin.device}


def replace_origin(path, **changes) -> Origin:
    import msgspec
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        origin = msgspec.json.decode(file.metadata()["landscape"], type=Origin)
        held = Predictions(file.get_tensor("train"), file.get_tensor("test"))
    changed = msgspec.structs.replace(origin, **changes)
    save_predictions(held, changed, path)
    return changed
