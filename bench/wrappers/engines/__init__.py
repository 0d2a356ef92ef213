"""One file for each engine, with its contenders."""
