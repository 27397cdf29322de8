"""A stored result is handed out under the names of those who ask, since weights decide its key."""

import numpy as np

from landscape.core.measures import epochs_spent
from landscape.core.requests import DiversityRequest, EnsembleRequest, TrainRequest
from landscape.core.results import provenance_of
from landscape.service.compute import compute

FAMILY = TrainRequest(recipe="single-cycle", architecture="mlp", cycles=3, epochs=3, batch_size=512)


def test_the_networks_of_a_family_are_also_runs_of_their_own(home):
    family = compute(FAMILY, home=home)
    members = tuple(f"{folder}@last" for folder in family.member_folders)
    own = tuple(f"{family.folder}@{step}" for step in (3, 6, 9))
    first = compute(EnsembleRequest(checkpoints=members), home=home)
    second = compute(EnsembleRequest(checkpoints=own), home=home)
    assert first.attrs["provenance"] != second.attrs["provenance"]
    assert provenance_of(first).key == provenance_of(second).key
    assert second["checkpoint"].values.tolist() == ["network 1", "network 2", "network 3"]
    assert [record.source for record in provenance_of(second).checkpoints] == list(own)
    assert "members" not in provenance_of(second).command
    np.testing.assert_array_equal(first["error"], second["error"])
    # Each network has seen the data once, whoever asks, and together they cost three epochs.
    for result in (first, second):
        np.testing.assert_array_equal(result["epochs"], [1, 1, 1])
        assert epochs_spent(result, [0, 1, 2]) == 3
        assert epochs_spent(result, [2]) == 1


def test_snapshots_of_one_run_cost_what_the_last_of_them_cost(home):
    run = compute(
        TrainRequest(recipe="standard", architecture="mlp", cycles=3, epochs=3, batch_size=512), home=home
    )
    result = compute(EnsembleRequest(checkpoints=tuple(f"{run.folder}@{s}" for s in (3, 6, 9))), home=home)
    assert [epochs_spent(result, places) for places in ([0], [0, 1], [0, 1, 2], [2])] == [1, 2, 3, 3]


def test_the_same_pair_in_another_order_has_the_labels_of_that_order(home):
    family = compute(FAMILY, home=home)
    places = [f"{family.folder}@{step}" for step in (3, 6)]
    twin = f"{family.member_folders[0]}@last"
    there = compute(DiversityRequest(checkpoints=(places[0], twin, places[1])), home=home)
    back = compute(DiversityRequest(checkpoints=(twin, places[0], places[1])), home=home)
    assert provenance_of(there).key == provenance_of(back).key
    assert there["checkpoint"].values.tolist() == back["checkpoint"].values[[1, 0, 2]].tolist()
    assert back["other"].values.tolist() == back["checkpoint"].values.tolist()
