# SPDX-License-Identifier: MIT
"""Writes fixtures/muon.safetensors: twenty steps of Muon on a tall, a wide and a square matrix.

    python generate_muon.py [folder]

For each shape:

    <shape>.start       F32  [rows, columns]: the matrix before the first step
    <shape>.gradients   F32  [steps, rows, columns]
    <shape>.float64     F64  [rows, columns]: the matrix after the last step, computed in double
    <shape>.torch       F64  the same by torch.optim.Muon, whose Newton-Schulz iteration is bfloat16
    <shape>.directions  F64  [rows, columns]: the last orthogonalised direction, in double

The metadata are the numbers of the run. Matrices start small beside their updates, so that the
comparison is one of the updates.
"""

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from generate import sort_header

SHAPES = dict(tall=(9, 4), wide=(5, 11), square=(7, 7))
RUN = dict(steps=20, learning_rate=0.02, momentum=0.95, weight_decay=0.1, epsilon=1e-7)
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(x):
    """Five quintic Newton-Schulz steps in the precision of x."""
    a, b, c = QUINTIC
    y = x.T if x.shape[0] > x.shape[1] else x
    y = y / max(y.norm().item(), RUN["epsilon"])
    for _ in range(5):
        gram = y @ y.T
        y = a * y + (b * gram + c * gram @ gram) @ y
    return y.T if x.shape[0] > x.shape[1] else y


def by_hand(start, gradients):
    w, buffer = start.double(), torch.zeros_like(start, dtype=torch.float64)
    for g in gradients.double():
        buffer.lerp_(g, 1 - RUN["momentum"])
        direction = orthogonalise(g.lerp(buffer, RUN["momentum"]))
        rate = RUN["learning_rate"]
        w = w * (1 - rate * RUN["weight_decay"])
        w = w - rate * max(1, w.shape[0] / w.shape[1]) ** 0.5 * direction
    return w, direction


def by_torch(start, gradients):
    w = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.Muon([w], lr=RUN["learning_rate"], momentum=RUN["momentum"],
                                 weight_decay=RUN["weight_decay"], nesterov=True, eps=RUN["epsilon"],
                                 ns_coefficients=QUINTIC, ns_steps=5)
    for g in gradients:
        w.grad = g.clone()
        optimizer.step()
    return w.detach().double()


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "fixtures")
    generator = torch.Generator().manual_seed(17)
    tensors = {}
    for name, shape in SHAPES.items():
        start = 0.02 * torch.randn(shape, generator=generator)
        # A common direction, so that momentum has something to remember, and noise.
        gradients = torch.randn((RUN["steps"], *shape), generator=generator) * 0.3
        gradients += torch.randn(shape, generator=generator)
        exact, direction = by_hand(start, gradients)
        rounded = by_torch(start, gradients)
        tensors |= {f"{name}.start": start, f"{name}.gradients": gradients, f"{name}.float64": exact,
                    f"{name}.torch": rounded, f"{name}.directions": direction}
        moved = (exact - start).norm()
        print(f"{name:8} {shape}  torch's distance {((rounded - exact).norm() / moved).item():.1e} of the way")
    path = folder / "muon.safetensors"
    save_file({k: v.contiguous() for k, v in tensors.items()}, path,
              metadata={k: str(v) for k, v in RUN.items()})
    sort_header(path)
    print(path, path.stat().st_size, "bytes")
