"""One file per question: a loaded request in, a labelled result out."""
