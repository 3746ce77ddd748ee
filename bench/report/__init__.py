"""What was measured, for the terminal and for docs/benchmarks.md."""
