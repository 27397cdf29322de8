import errno
import os
from pathlib import Path

import numpy as np
import pytest

from landscape.core.errors import ResultError, StoreError
from landscape.core.files import load_result, save_result, write_atomically, write_bytes_atomically
from landscape.core.results import check_result, is_complete, provenance_of, self_check
from tests.figures.synthetic import plane_result


def test_netcdf_round_trip_is_exact(tmp_path):
    result = plane_result()
    save_result(result, tmp_path / "plane.nc")
    again = load_result(tmp_path / "plane.nc")
    assert again.identical(result)
    assert provenance_of(again) == provenance_of(result)


def test_nan_and_infinity_survive(tmp_path):
    result = plane_result()
    result["nll"].values[0, 1, 2] = np.nan
    result["nll"].values[1, 2, 1] = np.inf
    save_result(result, tmp_path / "plane.nc")
    again = load_result(tmp_path / "plane.nc")
    assert np.isnan(again["nll"].values[0, 1, 2])
    assert np.isinf(again["nll"].values[1, 2, 1])
    assert not is_complete(again)


def test_a_result_that_breaks_its_schema_is_refused(tmp_path):
    result = plane_result()
    with pytest.raises(ResultError, match="lacks the variable 'norm'; compute it again"):
        check_result(result.drop_vars("norm"))
    with pytest.raises(
        ResultError, match=r"has dimensions \('split', 'alpha', 'beta'\); expected \('split', 'beta'"
    ):
        check_result(result.assign(nll=result["nll"].transpose("split", "alpha", "beta")))
    with pytest.raises(ResultError, match="says study='volume'; expected one of line, plane"):
        check_result(result.assign_attrs(study="volume"))
    with pytest.raises(ResultError, match="carries no readable provenance"):
        check_result(result.assign_attrs(provenance="{}"))
    with pytest.raises(ResultError, match="The axis 'alpha' of the plane result does not increase"):
        check_result(result.isel(alpha=slice(None, None, -1)))
    with pytest.raises(ResultError, match=r"has splits \['test', 'train'\]; expected"):
        check_result(result.isel(split=[1, 0]))


def test_missing_and_truncated_files_are_explained(tmp_path):
    with pytest.raises(ResultError, match="There is no result file"):
        load_result(tmp_path / "none.nc")
    save_result(plane_result(), tmp_path / "plane.nc")
    content = (tmp_path / "plane.nc").read_bytes()
    (tmp_path / "cut.nc").write_bytes(content[: len(content) // 2])
    with pytest.raises(ResultError, match=r"cut\.nc is not a readable NetCDF file"):
        load_result(tmp_path / "cut.nc")
    (tmp_path / "text.nc").write_text("not at all")
    with pytest.raises(ResultError, match="not a readable NetCDF file"):
        load_result(tmp_path / "text.nc")


def test_the_self_check_is_the_largest_relative_difference():
    result = plane_result()
    result["rebuilt_nll"].values[:] = result["own_nll"].values
    assert self_check(result) == 0
    result["rebuilt_nll"].values[1, 2] = result["own_nll"].values[1, 2] * 1.25
    assert self_check(result) == pytest.approx(0.25)


def test_the_self_check_of_checkpoints_that_diverge():
    result = plane_result()
    assert np.isfinite(self_check(result))
    result["own_nll"].values[0, 1] = result["rebuilt_nll"].values[0, 1] = np.inf
    assert np.isfinite(self_check(result))  # both diverge: they agree
    result["rebuilt_nll"].values[0, 1] = 2.0
    assert self_check(result) == np.inf
    result["own_nll"].values[1, 0] = np.nan
    assert np.isnan(self_check(result))


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "file"
    write_bytes_atomically(path, b"old")

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(
        StoreError, match=r"The disk that holds .* is full; free some space and resume"
    ) as caught:
        write_atomically(path, fail)
    assert caught.value.full
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_folder_that_may_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(
        StoreError, match=r"cannot be written .*; choose a folder that you may write to"
    ) as caught:
        write_bytes_atomically(tmp_path / "file" / "below", b"")
    assert not caught.value.full
