"""Faults: the real processes on servers of their own, one thing broken at a time, then the
invariants. `make check` runs them; FAULT_RUNS=2 makes them short."""
