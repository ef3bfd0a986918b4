"""Which descriptors something outside of this process can make ready."""

from __future__ import annotations

import os
import socket

from pytest_proctape.intercept.outside import leads_out


def test_which_descriptors_lead_out() -> None:
    reader, writer = os.pipe()
    try:
        assert not leads_out(reader)
        os.close(writer)
        assert leads_out(reader)
    finally:
        os.close(reader)
    left, right = socket.socketpair()
    with left, right, socket.socket() as out:
        assert not leads_out(left.fileno())
        assert leads_out(out.fileno())
    assert not leads_out(2**20)
