"""What onevec adds to engines, beside their bare clients and other wrappers: `make bench-overhead`."""
