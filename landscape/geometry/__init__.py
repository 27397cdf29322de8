"""Pure tensor mathematics: no files, no data sets, no networks."""
