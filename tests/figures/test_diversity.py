import numpy as np
import pytest

from landscape.figures import FigureStyle, draw, draw_print
from landscape.figures.diversity import diversity_picture
from landscape.figures.theme import DIVERGING
from tests.figures.synthetic import diversity_result

TEST = FigureStyle(split="test")


def named(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def pair_values(figure, name="correlation"):
    return [np.asarray(trace.z, dtype=float) for trace in named(figure, name)]


@pytest.mark.parametrize("variant", ["per class", "flattened", "per example"])
@pytest.mark.parametrize("split", ["train", "test"])
def test_one_matrix_per_group_holds_the_pairs_of_the_group(split, variant):
    result = diversity_result()
    whole = result["correlation"].sel(split=split, variant=variant).values
    first, second = pair_values(draw(result, FigureStyle(split=split, variant=variant)))
    for found, at in ((first, slice(0, 5)), (second, slice(5, 8))):
        expected = whole[at, at].copy()
        np.fill_diagonal(expected, np.nan)
        np.testing.assert_array_equal(found, expected)


def test_disagreement_is_drawn_in_percent():
    result = diversity_result()
    figure = draw(result, FigureStyle(split="test", matrix="disagreement"))
    expected = result["disagreement"].sel(split="test").values[5:, 5:].copy()
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(pair_values(figure, "disagreement")[1], expected)
    assert all(text.endswith("%") for text in figure.layout.coloraxis.colorbar.ticktext)
    assert [note.text for note in figure.layout.annotations][-1] == "test disagreement"


def test_all_panels_are_on_one_colour_range_which_the_diagonal_does_not_set():
    figure = draw(diversity_result(), TEST)
    assert {trace.coloraxis for trace in named(figure, "correlation")} == {"coloraxis"}
    axis = figure.layout.coloraxis
    assert (axis.cmin, axis.cmax) == pytest.approx((0.72, 0.78))
    fixed = draw(diversity_result(), FigureStyle(split="test", floor=0.2, clip=0.9)).layout.coloraxis
    assert (fixed.cmin, fixed.cmax) == (0.2, 0.9)


def test_numbers_of_both_signs_part_at_zero():
    result = diversity_result()
    result["correlation"][:, :, 0, 2] = result["correlation"][:, :, 2, 0] = -0.25
    axis = draw(result, TEST).layout.coloraxis
    assert (axis.cmin, axis.cmax) == pytest.approx((-0.78, 0.78))
    assert axis.colorscale[1] == (0.5, DIVERGING[False][1][1])
    limited = draw(result, FigureStyle(split="test", clip=1.0)).layout.coloraxis
    assert (limited.cmin, limited.cmax) == (-1.0, 1.0)


def test_pairs_that_are_all_alike_keep_a_range():
    result = diversity_result({"two": 2})
    result["correlation"][:] = 0.9
    axis = draw(result, TEST).layout.coloraxis
    assert axis.cmin < 0.9 < axis.cmax
    lonely = draw(diversity_result({"a": 1, "b": 1}), TEST)
    assert (lonely.layout.coloraxis.cmin, lonely.layout.coloraxis.cmax) == (0.0, 1.0)


def test_the_first_checkpoint_is_the_first_row_at_the_top_and_cells_are_square():
    layout = draw(diversity_result(), TEST).layout
    assert list(layout.yaxis.range) == [4.5, -0.5]
    assert list(layout.xaxis.range) == [-0.5, 4.5]
    assert (layout.yaxis.scaleanchor, layout.yaxis2.scaleanchor) == ("x", "x2")
    assert layout.xaxis.ticktext == ("1", "2", "3", "4", "5")


def test_every_cell_says_its_pair_its_value_and_where_it_belongs():
    figure = draw(diversity_result(), TEST)
    first, second = named(figure, "correlation")
    assert (
        first.hovertext[0][3] == "<b>cyclic@100</b><br>with <b>cyclic@400</b><br>prediction correlation 0.74"
    )
    assert first.hovertext[1][0].endswith("prediction correlation not defined")
    assert first.hovertext[2][2] == "<b>cyclic@300</b> with itself<br>prediction correlation 1"
    assert "&lt;i&gt;NoCycle&lt;/i&gt; &amp; &#36;x&#36;@100" in second.hovertext[0][1]
    np.testing.assert_array_equal(np.asarray(second.customdata)[0, 2], [5, 7])


def test_the_diagonal_and_pairs_without_a_number_have_no_colour_of_the_scale():
    figure = draw(diversity_result(), TEST)
    neutral = np.asarray(named(figure, "diagonal")[0].z, dtype=float)
    assert (np.diagonal(neutral) == 0).all()
    assert neutral[0, 1] == neutral[1, 0] == 1
    assert np.isnan(neutral[0, 2])


def test_values_are_written_once_in_each_cell_of_small_matrices():
    figure = draw(diversity_result(), TEST)
    written = [trace for trace in named(figure, "values") if np.asarray(trace.z).shape == (5, 5)]
    texts = np.array([np.asarray(trace.text) for trace in written])
    assert ((texts != "").sum(axis=0) == 1).all()
    assert "".join(texts[:, 0, 3]) == ".74"
    assert "".join(texts[:, 0, 0]) == "1.00"
    assert "".join(texts[:, 0, 1]) == "x"
    large = draw(diversity_result({"long": 13}), TEST)
    assert not named(large, "values")
    assert large.layout.xaxis.ticktext == ("1", "3", "5", "7", "9", "11", "13")


def test_close_values_are_written_with_three_digits():
    result = diversity_result({"a": 3}, holes=False)
    result["correlation"][:] = np.array([[1, 0.981, 0.985], [0.981, 1, 0.99], [0.985, 0.99, 1]])
    picture = diversity_picture(result, TEST)
    assert picture.cell(0.981) == ".981"


def test_the_whole_matrix_holds_all_pairs_and_parts_the_groups():
    result = diversity_result()
    figure = draw(result, FigureStyle(split="test", pairs="all"))
    (found,) = pair_values(figure)
    expected = result["correlation"].sel(split="test", variant="per class").values.copy()
    np.fill_diagonal(expected, np.nan)
    np.testing.assert_array_equal(found, expected)
    assert figure.layout.coloraxis.cmin == pytest.approx(0.5)
    assert figure.layout.xaxis.tickvals == (2.0, 6.0)
    assert figure.layout.xaxis.ticktext == ("cyclic", "&lt;i&gt;NoCycle&lt;/i…")
    assert [(shape.x0, shape.y0) for shape in figure.layout.shapes] == [(0, 4.5), (4.5, 0)]


def test_a_single_group_has_the_labels_of_its_checkpoints():
    for pairs in ("within", "all"):
        figure = draw(diversity_result({"": 3}), FigureStyle(split="test", pairs=pairs))
        assert figure.layout.xaxis.ticktext == ("@100", "@200", "@300")
        assert len(pair_values(figure)) == 1


def test_nine_groups_of_twelve():
    many = diversity_result({f"recipe {number}": 12 for number in range(9)}, holes=False)
    figure = draw(many, TEST)
    assert len(pair_values(figure)) == 9
    assert len(draw_print(many, TEST).axes) == 10
    assert draw(many, FigureStyle(split="test", pairs="all")).layout.xaxis.ticktext[8] == "recipe 8"


def test_in_print_cells_have_the_colours_and_texts_of_the_screen():
    result = diversity_result()
    figure = draw_print(result, TEST)
    first, second, bar = figure.axes
    assert first.get_ylim() == (4.5, -0.5)
    assert first.get_aspect() == 1
    texts = {text.get_position(): text.get_text() for text in first.texts}
    assert texts[(3, 0)] == ".74"
    assert texts[(1, 0)] == "x"
    picture = diversity_picture(result, TEST)
    faces = np.asarray(first.collections[0].get_array()).reshape(5, 5, 3)
    expected = [int(part) / 255 for part in picture.color(0.74)[4:-1].split(",")]
    np.testing.assert_allclose(faces[0, 3], expected, atol=1e-12)
    assert second.get_title() == r"<i>NoCycle</i> & \$x\$"
    assert bar.get_xlabel() == "test prediction correlation"
