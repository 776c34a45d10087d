"""`python -m liftgate`: the command line."""

from liftgate.cli.main import main

if __name__ == "__main__":
    main()
