"""Pictures of results: result in, figure out. Nothing here computes."""
