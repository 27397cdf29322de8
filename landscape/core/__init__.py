"""The vocabulary: errors, requests, results. No torch, no files of ours, no drawing."""
