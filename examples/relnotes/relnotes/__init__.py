"""Release notes and source releases of git repositories, made with git, tar and gzip.

The tools are run as subprocesses, in the ways that real programs do it; the tests run on tapes of them.
The command line is in `relnotes.__main__`.
"""
