from pathlib import Path

from landscape.service.library import CheckpointEntry
from landscape.ui.choices import first_guess, name_choices, obstacles


def entry(group: str, step: int, architecture: str = "mlp", problem: str | None = None) -> CheckpointEntry:
    return CheckpointEntry(
        reference=f"/runs/{group}@{step}",
        label=f"step {step}",
        group=group,
        origin="run",
        file=Path(f"/runs/{group}/{step}"),
        architecture=architecture,
        parameters=10,
        step=step,
        problem=problem,
    )


def test_names_are_unique():
    names = [choice.name for choice in name_choices([entry("a", 1), entry("b", 1), entry("a", 1)])]
    assert names == ["a · step 1", "b · step 1", "a · step 1 (2)"]


def test_the_first_guess_is_the_ends_of_different_runs():
    entries = [entry("a", 1), entry("a", 9), entry("b", 2), entry("b", 8), entry("c", 5, "convnet")]
    guess = first_guess(name_choices(entries), 2)
    assert [choice.name for choice in guess] == ["a · step 9", "b · step 8"]


def test_the_first_guess_takes_late_steps_where_there_are_too_few_runs():
    choices = name_choices(
        [entry("a", 1), entry("a", 5), entry("a", 9), entry("x", 1, problem="It is damaged.")]
    )
    assert [choice.entry.step for choice in first_guess(choices, 3)] == [9, 5, 1]
    assert [choice.entry.step for choice in first_guess(choices[:1], 3)] == [1]


def test_obstacles_say_why():
    first, same, other, broken = name_choices(
        [entry("a", 1), entry("a", 5), entry("c", 5, "convnet"), entry("x", 1, problem="It is damaged.")]
    )
    reasons = obstacles([first, same, other, broken], first)
    assert reasons[same.name] is None
    assert "choose checkpoints of one network" in str(reasons[other.name])
    assert reasons[broken.name] == "It is damaged."
    assert first.name not in reasons
