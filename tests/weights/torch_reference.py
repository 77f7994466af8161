# SPDX-License-Identifier: MIT
"""A hundred steps of weight optimizers in double, by torch.optim and by plain loops of numpy.

    python torch_reference.py FILE

The problem is a square matrix x with the gradient curvature * x + noise_t. FILE receives, as raw
doubles, start, curvature, a hundred noises, and then where each optimizer ends, in the order in
which this script prints their names. torch_test.cpp reads it.
"""

import sys

import numpy as np
import torch

SIZE, STEPS = 12, 100


def by_torch(make, start, gradient, falling=False):
    x = torch.nn.Parameter(torch.tensor(start))
    optimizer = make([x])
    rates = [group["lr"] for group in optimizer.param_groups]
    for t in range(STEPS):
        for group, rate in zip(optimizer.param_groups, rates):
            group["lr"] = rate * (1 - t / STEPS) if falling else rate
        x.grad = torch.tensor(gradient(x.detach().numpy(), t))
        optimizer.step()
    return x.detach().numpy()


def nesterov(start, gradient, rate=0.02, r=3):
    """Nesterov's first method: momentum (t - 1) / (t + r - 1)."""
    y, x = start.copy(), start.copy()
    for t in range(1, STEPS + 1):
        before, x = x, y - rate * gradient(y, t - 1)
        y = x + (t - 1) / (t + r - 1) * (x - before)
    return y


def lion(start, gradient, rate=0.003, beta1=0.9, beta2=0.99, decay=0.1):
    x, m = start.copy(), np.zeros_like(start)
    for t in range(STEPS):
        g = gradient(x, t)
        x = (1 - rate * decay) * x - rate * np.sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g
    return x


def descending(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors[:, ::-1]


def soap(start, gradient, rate=0.01, beta1=0.9, beta2=0.95, beta=0.9, epsilon=1e-8, decay=0.1,
         interval=3, sides=(0, 1)):
    """Algorithm 3 of Vyas et al. with the first moment kept where the gradient is."""
    x = start.copy()
    m, s = np.zeros_like(x), np.zeros_like(x)
    covariances = [np.zeros((n, n)) for n in x.shape]
    bases = [np.eye(n) for n in x.shape]
    for t in range(STEPS):
        g = gradient(x, t)
        if t > 0:
            m = beta1 * m + (1 - beta1) * g
            turned = bases[0].T @ g @ bases[1]
            s = beta2 * s + (1 - beta2) * turned**2
            u = (bases[0].T @ m @ bases[1]) / (1 - beta1**t)
            u = u / (np.sqrt(s / (1 - beta2**t)) + epsilon)
            x = (1 - rate * decay) * (x - rate * bases[0] @ u @ bases[1].T)
        for side in sides:
            product = g @ g.T if side == 0 else g.T @ g
            covariances[side] = (beta if t > 0 else 0) * covariances[side] + (1 - beta) * product
            if t == 0:
                bases[side] = descending(covariances[side])
            elif t % interval == 0:
                order = np.argsort(-np.diag(bases[side].T @ covariances[side] @ bases[side]))
                s = s[order, :] if side == 0 else s[:, order]
                bases[side], _ = np.linalg.qr(covariances[side] @ bases[side][:, order])
    return x


def power(symmetric, exponent):
    values, vectors = np.linalg.eigh(symmetric)
    return vectors @ np.diag(values**exponent) @ vectors.T


def shampoo(start, gradient, rate=0.1, epsilon=1e-2, interval=3, beta=1.0, decay=0.0):
    """Algorithm 1 of Gupta, Koren, Singer; roots are computed every `interval` steps."""
    x, n = start.copy(), start.shape[0]
    left, right = np.zeros((n, n)), np.zeros((n, n))
    fresh = 1 if beta == 1 else 1 - beta
    for t in range(STEPS):
        g = gradient(x, t)
        left, right = beta * left + fresh * g @ g.T, beta * right + fresh * g.T @ g
        if t % interval == 0:
            roots = [power(c + epsilon * np.eye(n), -0.25) for c in (left, right)]
        x = (1 - rate * decay) * x - rate * roots[0] @ g @ roots[1]
    return x


def main():
    rng = np.random.default_rng(7)
    start = rng.standard_normal((SIZE, SIZE))
    curvature = rng.uniform(0.1, 2, (SIZE, SIZE))
    noise = 0.3 * rng.standard_normal((STEPS, SIZE, SIZE))
    gradient = lambda x, t: curvature * x + noise[t]
    optim = torch.optim
    torch.bfloat16 = torch.float64  # torch.optim.Muon's own code, but iterating in double
    makers = {
        "sgd": lambda p: optim.SGD(p, lr=0.05),
        "heavy ball": lambda p: optim.SGD(p, lr=0.05, momentum=0.9),
        "nesterov": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
        "nesterov of other numbers": lambda p: optim.SGD(
            p, lr=0.02, momentum=0.6, nesterov=True),
        "adam": lambda p: optim.Adam(p, lr=0.01, betas=(0.9, 0.999)),
        "adam of other numbers": lambda p: optim.Adam(p, lr=0.02, betas=(0.7, 0.9), eps=1e-2),
        "adamw": lambda p: optim.AdamW(p, lr=0.01, betas=(0.9, 0.95), weight_decay=0.1),
        "adamw of other numbers": lambda p: optim.AdamW(
            p, lr=0.02, betas=(0.7, 0.9), eps=1e-2, weight_decay=1),
        "nadam": lambda p: optim.NAdam(p, lr=0.01),
        "nadam of other numbers": lambda p: optim.NAdam(
            p, lr=0.01, betas=(0.8, 0.95), momentum_decay=0.1),
        "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.99),
        "rmsprop of other numbers": lambda p: optim.RMSprop(p, lr=0.02, alpha=0.8, eps=1e-2),
        "sgd that decays": lambda p: optim.SGD(p, lr=0.05, momentum=0.9, weight_decay=0.1),
        "nesterov that decays": lambda p: optim.SGD(
            p, lr=0.05, momentum=0.9, weight_decay=0.1, nesterov=True),
    }
    muon = lambda p: optim.Muon(p, lr=0.02, momentum=0.95, weight_decay=0.1)
    muon_of_other_numbers = lambda p: optim.Muon(p, lr=0.01, momentum=0.8, weight_decay=0)
    shaped = lambda array, rows: array.reshape(rows, -1)
    shaped_gradient = lambda rows: (
        lambda x, t: shaped(curvature, rows) * x + shaped(noise[t], rows))
    ends = {name: by_torch(make, start, gradient) for name, make in makers.items()}
    falling = {"sgd": False, "nesterov": True}
    for name, nesterov_momentum in falling.items():
        ends[name + " under a falling rate"] = by_torch(
            lambda p: optim.SGD(p, lr=0.05, momentum=0.9, nesterov=nesterov_momentum), start,
            gradient, falling=True)
    ends["muon"] = by_torch(muon, start, gradient)
    ends["muon of a tall matrix"] = by_torch(muon, shaped(start, 18), shaped_gradient(18))
    ends["muon of a wide matrix"] = by_torch(
        muon_of_other_numbers, shaped(start, 8), shaped_gradient(8))
    ends["muon as long as adamw"] = by_torch(
        lambda p: optim.Muon(p, lr=0.001, adjust_lr_fn="match_rms_adamw"), start, gradient)
    ends["muon without look-ahead"] = by_torch(
        lambda p: optim.Muon(p, lr=0.02, nesterov=False, weight_decay=0), start, gradient)
    ends["nesterov of 1983"] = nesterov(start, gradient)
    ends["lion"] = lion(start, gradient)
    ends["soap"] = soap(start, gradient)
    ends["one-sided soap"] = soap(shaped(start, 18), shaped_gradient(18), sides=(1,))
    ends["shampoo"] = shampoo(start, gradient)
    ends["averaging shampoo"] = shampoo(start, gradient, beta=0.9, rate=0.02, decay=0.5)
    with open(sys.argv[1], "wb") as file:
        for array in (start, curvature, noise, *ends.values()):
            np.ascontiguousarray(array, dtype=np.float64).tofile(file)
    print("\n".join(ends))


if __name__ == "__main__":
    main()
