"""Naive twins of training: optimisers and objectives from their definitions, in NumPy. Nothing here imports landscape.

An optimiser is a rule: (weights, gradient, rate) to the step s that is subtracted; it remembers what it has seen.
"""

import itertools

import numpy as np

# Rules -----------------------------------------------------------------------------------------------------------


def descend(rule, gradient, start, rates) -> np.ndarray:
    """The weights before the first and after every step: (steps + 1, P)."""
    path = [np.array(start, dtype=float)]
    for rate in rates:
        path.append(path[-1] - rule(path[-1], gradient(path[-1]), rate))
    return np.stack(path)


def momentum_rule(momentum, *, nesterov):
    """PyTorch's convention: b <- mu b + g, and the rate multiplies the whole buffer."""
    seen = []

    def rule(_, g, rate):
        seen.append(g)
        buffer = sum(momentum ** (len(seen) - 1 - i) * old for i, old in enumerate(seen))
        return rate * (g + momentum * buffer if nesterov else buffer)

    return rule


def textbook_momentum_rule(momentum):
    """v <- mu v - rate g; w <- w + v: each gradient keeps the rate it came with."""
    velocity = 0.0

    def rule(_, g, rate):
        nonlocal velocity
        velocity = momentum * velocity - rate * g
        return -velocity

    return rule


def adagrad_rule():
    total = 0.0

    def rule(_, g, rate):
        nonlocal total
        total = total + g**2
        return rate * g / (np.sqrt(total) + 1e-10)

    return rule


def rmsprop_rule(decay=0.99):
    mean = 0.0

    def rule(_, g, rate):
        nonlocal mean
        mean = decay * mean + (1 - decay) * g**2
        return rate * g / (np.sqrt(mean) + 1e-8)

    return rule


def adam_rule(*, decoupled=0.0, beta1=0.9, beta2=0.999):
    seen = []

    def rule(w, g, rate):
        seen.append(g)
        ages = np.arange(len(seen))[::-1]
        first = sum((1 - beta1) * beta1**age * old for age, old in zip(ages, seen, strict=True))
        second = sum((1 - beta2) * beta2**age * old**2 for age, old in zip(ages, seen, strict=True))
        first, second = first / (1 - beta1 ** len(seen)), second / (1 - beta2 ** len(seen))
        return rate * first / (np.sqrt(second) + 1e-8) + rate * decoupled * w

    return rule


def lbfgs_rule(pairs=10):
    """Nocedal and Wright (2006), equation 7.16: the inverse Hessian as a full matrix, from the latest pairs."""
    seen = []

    def rule(w, g, rate):
        seen.append((w, g))
        if len(seen) == 1:
            return rate * min(1.0, 1.0 / np.abs(g).sum()) * g
        moves = [(w2 - w1, g2 - g1) for (w1, g1), (w2, g2) in itertools.pairwise(seen)]
        kept = [(s, y) for s, y in moves if s @ y > 1e-10][-pairs:]
        identity = np.eye(len(w))
        inverse = identity
        if kept:
            s, y = kept[-1]
            inverse = identity * (s @ y) / (y @ y)
        for s, y in kept:
            v = identity - np.outer(y, s) / (s @ y)
            inverse = v.T @ inverse @ v + np.outer(s, s) / (s @ y)
        return rate * inverse @ g

    return rule


def uphill(gradient, radius):
    """The gradient that SAM steps along: that at w + radius * g / |g|."""

    def second(w):
        g = gradient(w)
        return gradient(w + radius * g / np.linalg.norm(g))

    return second


# Layca -----------------------------------------------------------------------------------------------------------


def turned(w, s, rho) -> np.ndarray:
    """The kernel w turned by arctan(rho) in the plane of w and -s, by sine and cosine."""
    unit = w / np.linalg.norm(w)
    sideways = s - (s @ unit) * unit
    angle = np.arctan(rho)
    return np.linalg.norm(w) * (np.cos(angle) * unit - np.sin(angle) * sideways / np.linalg.norm(sideways))


def layca_path(rule, gradient, start, rates, layers, factors) -> np.ndarray:
    """As `descend`, with the parts `layers` (slices) turned by what the rule proposes at rate 1."""
    path = [np.array(start, dtype=float)]
    for rate in rates:
        w = path[-1]
        step = rule(w, gradient(w), 1.0)
        new = w.copy()
        for layer, factor in zip(layers, factors, strict=True):
            new[layer] = turned(w[layer], step[layer], rate * factor)
        path.append(new)
    return np.stack(path)


# Objectives ------------------------------------------------------------------------------------------------------


def softmax(z) -> np.ndarray:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def soft_targets(targets, partners, share, smoothing, classes) -> np.ndarray:
    q = np.full((len(targets), classes), smoothing / classes)
    for row, (own, other) in enumerate(zip(targets, partners, strict=True)):
        q[row, own] += (1 - smoothing) * share
        q[row, other] += (1 - smoothing) * (1 - share)
    return q


def cross_entropy(z, q) -> float:
    return float(-(q * np.log(softmax(z))).sum() / len(z))


def mean_squared_error(z, q) -> float:
    return float(((z - q) ** 2).sum() / z.size)


def distillation(z, teachers, temperature) -> float:
    """T^2 * KL, mean over the batch."""
    p = sum(softmax(r / temperature) for r in teachers) / len(teachers)
    return float(temperature**2 * (p * np.log(p / softmax(z / temperature))).sum() / len(z))
