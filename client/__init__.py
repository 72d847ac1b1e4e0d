"""A phone's side of the sync protocol, written from its description alone: the tour, the tests and the benchmarks drive it.

It knows the wire and nothing of the server's code, so whoever writes a real phone may read it as an example.
"""
