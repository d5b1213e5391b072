#!/usr/bin/env python3
"""Fits the polynomials of native/ops/cpu/math-inl.h (needs nothing but Python).

Each is the interpolant of a function in Chebyshev nodes, which is within a small factor of the best polynomial of its
degree. Printed: the coefficients, lowest power first, and the largest relative error on a fine grid, in double.
"""
import math


def chebyshev_fit(function, low, high, degree):
    nodes = [(low + high) / 2 + (high - low) / 2 * math.cos(math.pi * (2 * i + 1) / (2 * degree + 2)) for i in range(degree + 1)]
    rows = [[x ** k for k in range(degree + 1)] + [function(x)] for x in nodes]
    size = degree + 1
    for col in range(size):  # Gauss with pivoting
        pivot = max(range(col, size), key=lambda r: abs(rows[r][col]))
        rows[col], rows[pivot] = rows[pivot], rows[col]
        for r in range(size):
            if r != col:
                factor = rows[r][col] / rows[col][col]
                rows[r] = [a - factor * b for a, b in zip(rows[r], rows[col])]
    return [rows[i][size] / rows[i][i] for i in range(size)]


def horner(coefficients, x):
    value = 0.0
    for c in reversed(coefficients):
        value = value * x + c
    return value


def exp_tail(r):
    """(e^r - 1 - r)/r^2"""
    if abs(r) < 1e-2:
        return sum(r ** k / math.factorial(k + 2) for k in range(8))
    return (math.expm1(r) - r) / (r * r)


def sin_squared(u):
    """sin(sqrt u)^2 / u"""
    if u < 1e-8:
        return 1.0 - u / 3
    return math.sin(math.sqrt(u)) ** 2 / u


def erfcx(t):
    """exp(t^2) erfc(t)"""
    if t < 4:
        return math.exp(t * t) * math.erfc(t)
    fraction = 0.0  # Laplace's continued fraction
    for k in range(120, 0, -1):
        fraction = k / 2 / (t + fraction)
    return 1 / (math.sqrt(math.pi) * (t + fraction))


def report(name, function, low, high, degree):
    coefficients = chebyshev_fit(function, low, high, degree)
    grid = [low + (high - low) * i / 4000 for i in range(4001)]
    error = max(abs(horner(coefficients, x) / function(x) - 1) for x in grid)
    print(f"{name}: degree {degree} on [{low:.7g}, {high:.7g}], relative error {error:.2e}")
    print("  " + ", ".join(f"{c:.9e}f" for c in coefficients))


if __name__ == "__main__":
    half_ln2 = math.log(2) / 2 * 1.0001
    report("(exp(r) - 1 - r)/r^2", exp_tail, -half_ln2, half_ln2, 4)
    report("sin(sqrt u)^2/u", sin_squared, 0.0, (math.pi / 2 * 1.001) ** 2, 5)
    scale = 0.4
    for degree in (8, 9, 10):
        report(f"erfcx((1/s - 1)/{scale})/s", lambda s: erfcx((1 / s - 1) / scale) / s, 1 / (1 + scale * 10), 1.0, degree)
