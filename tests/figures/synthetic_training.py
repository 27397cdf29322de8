"""Training histories with everything that a run can record, none of it trained."""

import numpy as np


def full_history(epochs=30, steps_per_epoch=7, cycles=3, *, averages=True, seed=0):
    """Cosine cycles whose accuracy dips at each restart; every name of `Run.history`.

    Checkpoints at 0 and at the end of each cycle, and one between in the middle of the first.
    """
    generator = np.random.default_rng(seed)
    steps = epochs * steps_per_epoch
    step = np.arange(1, steps + 1, dtype=np.float64)
    phase = ((step - 1) % (steps // cycles)) / (steps // cycles)
    rate = 0.1 * 0.5 * (np.cos(np.pi * phase) + 1)
    accuracy = 0.97 - 0.85 * np.exp(-step / (0.1 * steps)) - 1.2 * rate * (0.7 + 0.3 * np.exp(-step / steps))
    loss = 2.3 * np.exp(-step / (0.15 * steps)) + 2 * rate + 0.05
    epoch_step = step[steps_per_epoch - 1 :: steps_per_epoch]
    at = np.concatenate([[0, steps // cycles // 2], np.arange(1, cycles + 1) * (steps // cycles)]).astype(
        np.float64
    )

    def near(values, places):
        return np.interp(places, step, values)

    history = {
        "step": step,
        "learning_rate": rate,
        "train_loss": loss + 0.1 * np.abs(generator.normal(size=steps)),
        "train_accuracy": np.clip(accuracy + 0.02 + 0.03 * generator.normal(size=steps), 0, 1),
        "checkpoint_step": at,
        "checkpoint_epoch": at / steps_per_epoch,
        "checkpoint_seconds": 0.25 * at,
        "checkpoint_train_loss": near(loss, at),
        "checkpoint_train_accuracy": near(accuracy, at) + 0.02,
        "checkpoint_test_loss": near(loss, at) + 0.1,
        "checkpoint_test_accuracy": near(accuracy, at),
        "epoch_step": epoch_step,
        "epoch_test_loss": near(loss, epoch_step) + 0.1,
        "epoch_test_accuracy": near(accuracy, epoch_step),
    }
    if averages:
        kept = at[-2:]
        history |= {
            "average_step": kept,
            "average_train_loss": near(loss, kept) - 0.01,
            "average_train_accuracy": near(accuracy, kept) + 0.025,
            "average_test_loss": near(loss, kept) + 0.05,
            "average_test_accuracy": near(accuracy, kept) + 0.012,
        }
    return history
