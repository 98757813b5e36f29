"""Writes special.reference.json: arguments and 50-digit values of every function in spec/page/special.ts.

Each value is stored as an unevaluated sum high + low of two doubles, so that a test can measure errors far below one
unit in the last place. With --coefficients the script prints the fitted table of spec/page/erf.ts instead.
Needs only mpmath.
"""

import json
import math
import pathlib
import random
import sys

import mpmath
from mpmath import cos, log, log1p, mp, mpf, pi, sqrt

mp.dps = 50
FAR = 10**4


def exp(x):
    return mpf(0) if x < -FAR else mpf("inf") if x > FAR else mpmath.exp(x)


def erfc(x):
    return mpf(0) if x > FAR else mpf(2) if x < -FAR else mpmath.erfc(x)


def erf(x):
    return 1 - erfc(x) if abs(x) > FAR else mpmath.erf(x)


def expm1(x):
    return mpf(-1) if x < -FAR else mpmath.expm1(x)


def normal_cdf(x):
    return erfc(-x / sqrt(mpf(2))) / 2


def inverse_erfc(c):
    """Solves erfc(z) = c for 0 < c <= 1 by Newton steps on log erfc, which is concave, so they converge from the right."""
    z = sqrt(-log(c)) + mpf("0.1")
    for _ in range(200):
        value = erfc(z)
        step = (log(value) - log(c)) * value * sqrt(pi) / 2 * exp(z * z)
        z += step
        if abs(step) < mpf(10) ** -55:
            break
    return z


def inverse_erf(y):
    if abs(y) < mpf("0.5"):
        z = y * sqrt(pi) / 2
        for _ in range(60):
            step = (y - erf(z)) * sqrt(pi) / 2 * exp(z * z)
            z += step
            if abs(step) <= abs(z) * mpf(10) ** -48:
                break
        return z
    return inverse_erfc(1 - abs(y)) * (1 if y > 0 else -1)


def normal_quantile(p):
    if mpf("0.25") < p < mpf("0.75"):
        return sqrt(mpf(2)) * inverse_erf(2 * p - 1)
    return sqrt(mpf(2)) * (inverse_erfc(2 - 2 * p) if p > mpf("0.5") else -inverse_erfc(2 * p))


def sigmoid(x):
    return 1 / (1 + exp(-x))


def softplus(x):
    return log1p(exp(-abs(x))) + max(x, mpf(0))


def log_add_exp(a, b):
    with mp.workdps(120):
        return max(a, b) + log1p(exp(min(a, b) - max(a, b)))


def gelu_tanh(x):
    return x * sigmoid(2 * sqrt(2 / pi) * (x + mpf("0.044715") * x**3))


def beside(centre, count=4):
    """The double and its nearest neighbours, with a few a little farther away."""
    below, above, points = centre, centre, [centre]
    for _ in range(count):
        below, above = math.nextafter(below, -math.inf), math.nextafter(above, math.inf)
        points += [below, above]
    return points + [centre * (1 - 1e-9), centre * (1 + 1e-9), centre * (1 - 1e-4), centre * (1 + 1e-4)]


def both(points):
    return points + [-point for point in points]


def uniform(low, high, count):
    return [generator.uniform(low, high) for _ in range(count)]


def magnitudes(low, high, count):
    return [10 ** generator.uniform(low, high) for _ in range(count)]


generator = random.Random(20240607)
tiny = both([5e-324, 2.3e-308, 1e-300, 1e-160, 1e-40, 1e-17, 3e-9, 1e-4]) + [0.0]
root_half = math.sqrt(0.5)
cases = {
    "erf": (erf, tiny + both(beside(0.5) + uniform(0, 1, 25) + uniform(1, 6, 20) + [7.0, 27.0, 1e5, 1e300])),
    "erfc": (
        erfc,
        tiny + both(beside(0.5)) + uniform(-6, 0.5, 25) + uniform(0.5, 3, 30) + uniform(3, 26.54, 60)
        + [26.0, 26.5, 26.54, 26.6, 27.0, 27.2, 28.0, 41.0, 1e300, -7.0, -1e300],
    ),
    "erfInverse": (
        inverse_erf,
        tiny + both(beside(0.5) + uniform(0, 0.5, 25) + uniform(0.5, 1, 20) + [1 - 2.0**-k for k in range(3, 54, 5)]),
    ),
    "normalCdf": (
        normal_cdf,
        tiny + both(beside(root_half)) + uniform(-1, 9, 40) + uniform(-6, -0.5, 30) + uniform(-37.5, -6, 50)
        + [-37.5, -37.6, -38.4, -38.5, -39.0, -1e300, 9.0, 41.0, 1e300],
    ),
    "normalQuantile": (
        normal_quantile,
        [5e-324, 1e-320, 2.3e-308, 1e-300, 1e-200, 1e-100, 1e-17, 0.5, 1 - 2.0**-53, 1 - 2.0**-52]
        + beside(0.25) + beside(0.75) + beside(0.5) + uniform(0, 1, 50) + magnitudes(-307, -1, 40)
        + [1 - point for point in magnitudes(-15, -1, 20)],
    ),
    "sigmoid": (
        sigmoid,
        tiny + both(uniform(0, 3, 30) + uniform(3, 38, 20)) + uniform(-708, -38, 40)
        + [-708.3, -709.0, -709.8, -740.0, -745.0, -746.0, -800.0, -801.0, -1e300, 1e300],
    ),
    "softplus": (
        softplus,
        tiny + both(beside(20.0) + uniform(0, 3, 25) + uniform(3, 38, 15)) + uniform(-708, -38, 30)
        + [-708.3, -745.0, -746.0, -1e300, 1e300, 700.0, 800.0],
    ),
    "silu": (
        lambda x: x * sigmoid(x),
        tiny + both(beside(40.0, 1) + uniform(0, 3, 25) + uniform(3, 38, 15)) + uniform(-714.8, -38, 40)
        + [-708.4, -710.0, -714.9, -740.0, -752.0, -1e300, 1e300],
    ),
    "gelu": (
        lambda x: x * normal_cdf(x),
        tiny + both(beside(root_half)) + beside(40.0, 1) + uniform(-1, 9, 35) + uniform(-6, -0.5, 30)
        + uniform(-37.6, -6, 45) + [-37.6, -38.0, -38.5, -39.0, -41.0, -1e300, 1e300],
    ),
    "geluTanh": (
        gelu_tanh,
        tiny + beside(25.0, 1) + uniform(-1, 9, 45) + uniform(-6, -0.5, 35) + uniform(-21.0, -6, 50)
        + [-20.9, -21.0, -21.3, -25.0, -26.0, -1e300, 1e300],
    ),
    "relu": (lambda x: max(x, mpf(0)), tiny + both(uniform(0, 10, 60) + [1e300])),
    "elu": (lambda x: x if x > 0 else expm1(x), tiny + uniform(-1, 1, 60) + uniform(-40, -1, 60) + [-745.0, -1e300, 1e300]),
}
cases["logSigmoid"] = (lambda x: -softplus(-x), [-point for point in cases["softplus"][1]])

near_root = []
for a in uniform(-6, -0.05, 40):
    b = float(log(-expm1(mpf(a))))
    near_root += [(a, b), (b, math.nextafter(a, 0))]
pairs = (
    [(a, b) for a in (0.0, 1.0, -math.log(2), 1e-13, -1e-13, -700.0) for b in (0.0, -20.0, -30.0, -math.log(2), -745.0)]
    + [(1e300, 1e300), (1e16, 1e16), (1e15, 1e15), (-1e300, 1e300), (-1e300, -1e300), (800.0, 799.0), (-900.0, -901.5)]
    + [(a, a - d) for a in (0.25, 3.0, -0.5, 1e-9) for d in beside(20.0, 2)]
    + list(zip(uniform(-50, 50, 40), uniform(-50, 50, 40)))
    + list(zip(uniform(-2, 2, 40), uniform(-2, 2, 40)))
    + near_root
)


def split(value):
    high = float(value)
    return high, float(value - mpf(high))


def coefficients(degree=28, centre=3):
    """(1 + 2x) exp(x^2) erfc(x) on x >= 0.45 as a polynomial in t = (x - centre) / (x + centre)."""
    mp.dps = 70
    low, high, count = (mpf("0.45") - centre) / (mpf("0.45") + centre), mpf(1), degree + 1
    nodes = [cos(pi * (j + mpf("0.5")) / count) for j in range(count)]

    def scaled(t):
        x = centre * (1 + t) / (1 - t)
        return (1 + 2 * x) * mpmath.exp(x * x) * mpmath.erfc(x)

    values = [scaled((low + high) / 2 + (high - low) / 2 * node) for node in nodes]
    chebyshev = [
        (2 if m else 1) * sum(v * cos(m * pi * (j + mpf("0.5")) / count) for j, v in enumerate(values)) / count
        for m in range(count)
    ]
    slope, offset = 2 / (high - low), -(high + low) / (high - low)
    previous, current, total = [mpf(1)], [offset, slope], [chebyshev[0]] + [mpf(0)] * degree
    for m in range(1, count):
        for k, coefficient in enumerate(current):
            total[k] += chebyshev[m] * coefficient
        doubled = [2 * offset * c for c in current] + [mpf(0)]
        for k, coefficient in enumerate(current):
            doubled[k + 1] += 2 * slope * coefficient
        for k, coefficient in enumerate(previous):
            doubled[k] -= coefficient
        previous, current = current, doubled
    return [split(c) for c in total]


if "--coefficients" in sys.argv:
    for high, low in coefficients():
        print(repr(high), repr(low))
else:
    table = {}
    for name, (function, points) in sorted(cases.items()):
        ordered = sorted(set(points))
        values = [split(function(mpf(point))) for point in ordered]
        table[name] = {"arguments": ordered, "high": [v[0] for v in values], "low": [v[1] for v in values]}
    values = [split(log_add_exp(mpf(a), mpf(b))) for a, b in pairs]
    table["logAddExp"] = {
        "arguments": [a for a, _ in pairs],
        "seconds": [b for _, b in pairs],
        "high": [v[0] for v in values],
        "low": [v[1] for v in values],
    }
    pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(table, indent=2) + "\n")
