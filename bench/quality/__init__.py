"""How good searches are: nDCG and its like on a collection with judgements."""
