"""`python -m bandstop`: the command line where no script is on the path."""

from bandstop.cli.main import main

main()
