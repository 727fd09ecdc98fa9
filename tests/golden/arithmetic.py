def mul(x, y):
    """The product of `x` and `y`."""
    return x * y
