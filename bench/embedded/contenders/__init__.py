"""One file for each family of contenders."""
