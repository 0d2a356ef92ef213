"""What the embedded engines share: the matrix they search, the columns they filter on, the index of their texts."""
