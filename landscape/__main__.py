"""`python -m landscape`: the command line."""

from landscape.commands.main import main
from landscape.core.threads import let_waiting_threads_sleep

if __name__ == "__main__":
    let_waiting_threads_sleep()
    main(prog_name="python -m landscape")
