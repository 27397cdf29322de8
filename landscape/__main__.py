"""`python -m landscape`: the command line."""

from landscape.commands.main import main

if __name__ == "__main__":
    main(prog_name="python -m landscape")
