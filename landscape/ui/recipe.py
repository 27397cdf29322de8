"""Where a result comes from: every parameter, digest and version, and the command line that repeats it."""

import json

import pandas as pd
import streamlit as st
import xarray as xr

from landscape.core.results import Provenance, is_complete, provenance_of, self_check
from landscape.ui.text import duration


def show_recipe(result: xr.Dataset) -> None:
    """A folded section with the provenance of a result."""
    provenance = provenance_of(result)
    with st.expander("Recipe: how this was computed, and how to repeat it", icon=":material/receipt_long:"):
        st.markdown("**Command line**")
        st.code(provenance.command, language="bash", wrap_lines=True)
        st.markdown("**Facts**")
        st.dataframe(
            pd.DataFrame(_facts(result, provenance), columns=["", "value"]),
            hide_index=True,
            key="recipe_facts",
        )
        st.markdown("**Checkpoints**")
        st.dataframe(
            pd.DataFrame(
                [
                    {
                        "label": checkpoint.label,
                        "architecture": checkpoint.architecture,
                        "step": checkpoint.step,
                        "digest": checkpoint.digest,
                        "source": checkpoint.source,
                    }
                    for checkpoint in provenance.checkpoints
                ]
            ),
            hide_index=True,
            key="recipe_checkpoints",
        )
        st.markdown("**Request**")
        st.code(json.dumps(provenance.request, indent=2, sort_keys=True), language="json", height=220)


def _facts(result: xr.Dataset, provenance: Provenance) -> list[tuple[str, str]]:
    checked = []
    if "own_nll" in result.variables:  # predictions of whole networks have nothing to be rebuilt from
        difference = self_check(result)
        words = "not known yet" if difference != difference else f"{difference:.1e} (relative, nll)"
        checked = [("self-check", words)]
    return [
        ("data", f"{provenance.data} (digest {provenance.data_digest})"),
        ("examples", ", ".join(f"{count:,} {split}" for split, count in provenance.samples.items())),
        ("weight decay in the loss", f"{provenance.weight_decay:g}"),
        ("evaluated by", f"{provenance.strategy} on {provenance.device}"),
        ("time", duration(provenance.seconds)),
        ("complete", "yes" if is_complete(result) else "no"),
        *checked,
        ("versions", ", ".join(f"{name} {version}" for name, version in provenance.versions.items())),
        ("created", provenance.created),
        ("key", provenance.key),
    ]
