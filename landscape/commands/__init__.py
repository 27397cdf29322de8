"""The command line: one verb per request. Torch is imported by the verbs that compute, not before."""
