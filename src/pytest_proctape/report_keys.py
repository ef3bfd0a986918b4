"""Attributes that reports of pytest carry, from xdist's workers to the controller as well.

Looked for at each report, so they must not cost an import; :mod:`.summary` and :mod:`.counting` set them.
"""

ERROR = "_proctape_error"
"""The report shows an error of ours."""
RESULTS = "_proctape"
"""What became of tapes. Under xdist it is JSON on the way."""
