"""The world: tasks, data sets, architectures, checkpoints, and the evaluator."""
