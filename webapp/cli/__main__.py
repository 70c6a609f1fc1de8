"""`python -m webapp.cli`: the `hagaki` command of this very installation, as `hagaki serve` starts its worker."""

from webapp.cli import main

main()
