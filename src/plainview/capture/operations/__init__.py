"""Operations: timed work that is told of."""
