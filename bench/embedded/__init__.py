"""onevec's embedded engines beside other embedded vector stores: `make bench-embedded`."""
