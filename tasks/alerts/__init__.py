"""Telling operators that something is wrong, and that it is over: once each."""
