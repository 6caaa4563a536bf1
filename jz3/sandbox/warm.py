"""Common calls that a warm interpreter makes before the first program, so that libraries load and compute
their first-use data once in the zygote rather than once per program.
"""

# pyright: basic


def warm_up() -> None:
    """Use sympy as programs do. This cannot change what a program prints."""
    try:
        import sympy as sp
    except ImportError:
        return
    x, y = sp.symbols("x y")
    n = sp.symbols("n", integer=True, positive=True)
    sp.solve(x**2 - 5 * x + 6, x)
    sp.solve([x + y - 3, x - y - 1], [x, y])
    sp.solve(sp.Eq(2**x, 8), x)
    sp.solveset(x**2 - 1, x, sp.S.Reals)
    sp.nsolve(x**2 - 2, x, 1)
    sp.simplify(sp.sin(x) ** 2 + sp.cos(x) ** 2)
    sp.trigsimp(sp.sin(2 * x))
    sp.integrate(x * sp.exp(x), x)
    sp.integrate(sp.sin(x), (x, 0, sp.pi))
    sp.integrate(1 / (1 + x**2), (x, -sp.oo, sp.oo))
    sp.diff(sp.log(x) * x, x)
    sp.limit(sp.sin(x) / x, x, 0)
    sp.series(sp.exp(x), x, 0, 4)
    sp.summation(1 / n**2, (n, 1, sp.oo))
    sp.factor(x**3 - 1)
    sp.expand((x + y) ** 3)
    sp.apart(1 / (x**2 - 1))
    sp.cancel((x**2 - 1) / (x - 1))
    sp.gcd(12, 18)
    sp.factorint(360)
    sp.isprime(97)
    sp.binomial(5, 2)
    matrix = sp.Matrix([[1, 2], [3, 4]])
    matrix.eigenvals()
    matrix.eigenvects()
    matrix.inv()
    matrix.det()
    sp.N(sp.pi, 20)
    sp.lambdify(x, x**2)(2)
    sp.sympify("x**2 + 1")
    sp.latex(x**2 / 3)
    str(sp.sqrt(8) * x + sp.Rational(1, 3))
    sp.pretty(x**2 / 3)
    sp.Piecewise((x, x > 0), (0, True)).subs(x, 1)
