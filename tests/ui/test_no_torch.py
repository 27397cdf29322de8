import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import sys
from streamlit.testing.v1 import AppTest
from landscape.ui.server import SCRIPT

test = AppTest.from_file(str(SCRIPT), default_timeout=60).run()
assert not test.exception and not test.error, test
for name in ("explore", "workbench", "library", "jobs"):
    page = f"from landscape.ui.pages.{name} import page; page()"
    test = AppTest.from_string(page, default_timeout=60).run()
    assert not test.exception and not test.error, test
import app
print([name for name in ("torch", "torchvision", "matplotlib") if name in sys.modules])
"""


def test_no_page_brings_torch_into_the_apps_process(home):
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    child = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, cwd=ROOT, env=environment
    )
    assert child.stdout.splitlines()[-1:] == ["[]"], child.stderr
