import subprocess
import sys

LIGHT = ("home", "store", "jobs", "library", "pretrained", "imports", "uploads", "runner", "worker", "gate")


def test_the_apps_own_process_stays_light():
    modules = ", ".join(f"landscape.service.{name}" for name in LIGHT)
    code = f"import sys, {modules}; print([m for m in ('torch', 'streamlit', 'plotly') if m in sys.modules])"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (child.stdout, child.stderr) == ("[]\n", "")
