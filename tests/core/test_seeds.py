import subprocess
import sys

import torch
from hypothesis import given
from hypothesis import strategies as st

from landscape.core.seeds import seed_for


@given(root=st.integers(-(2**70), 2**70), purpose=st.text())
def test_a_seed_is_one_that_torch_takes(root: int, purpose: str) -> None:
    seed = seed_for(root, purpose)
    assert 0 <= seed < 2**63
    assert seed == seed_for(root, purpose)
    torch.Generator().manual_seed(seed)


def test_root_and_purpose_both_matter() -> None:
    seeds = [seed_for(root, purpose) for root in (0, 1, 10) for purpose in ("start", "data order", "0")]
    assert len(set(seeds)) == len(seeds)


def test_a_seed_is_the_same_in_every_process() -> None:
    program = "from landscape.core.seeds import seed_for; print(seed_for(7, 'data order'))"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(other.stdout) == seed_for(7, "data order") == 1642102205229934
