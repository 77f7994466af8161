# SPDX-License-Identifier: MIT
"""Writes fixtures/*.safetensors: what reference.py says about tiny models.

    python generate.py [folder]

Every file holds one model. Weights are random (scalars and gains too, nothing sits at its initial
value) and exactly representable in float32, so that both precisions start from the same numbers.

    weights.<name>        F32  every parameter, under the name it has in a model file
    tokens, targets       I32  [batch, length]
    logits, loss          F64  of the weights above
    gradients.<name>      F64  of the loss, every parameter
    terms.<name>          F64  for raw scalars: the sum of the absolute values of the terms that make
                               up the gradient. They nearly cancel where a norm follows, so this is
                               the scale of their rounding errors.
    stream                I32  [steps, 2, batch, length]: tokens and targets of the training run
    learning_rates        F64  [steps]: linear warm-up, then a cosine
    losses                F64  [steps + 1]: before each step, and after the last one on batch 0
    losses_float32        F64  the same, computed in float32
    gradient_norms        F64  [steps]: global norm before clipping; about half are clipped

The metadata are the fields of reference.Options and of TRAINING, as text. A fixture may have its own
values of both.
"""

import dataclasses
import json
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from reference import (MATRIX_RULES, RULES, SCALARS, LanguageModel, Options, build_optimizer, learning_rate_factor,
                       train_step)

# Odd sizes on purpose: no width, head or vocabulary is a multiple of a vector, and the sequences
# are shorter than the context.
SHAPE = dict(layers=2, width=21, heads=3, hidden=13, vocabulary=13, context=7)
BATCH, LENGTH = 2, 5
TRAINING = dict(steps=50, warm_up=5, learning_rate=1e-2, clip=3.0, decay=0.1, beta1=0.9, beta2=0.95,
                epsilon=1e-8)

FIXTURES = {rule.replace("-", "_"): dict(rule=rule) for rule in RULES if rule not in MATRIX_RULES} | {
    "tmm_without_norm": dict(rule="tmm", velocity_norm="none"),
    "tmm_zero_start": dict(rule="tmm", velocity_start="zero"),
    "tmm_euler": dict(rule="tmm", splitting="euler"),
    "tmm_read_out": dict(rule="tmm", read_out=0.3),
    "adam_euler": dict(rule="adam", splitting="euler"),
} | {rule + "_layers": dict(rule=rule, clip=6.0) for rule in MATRIX_RULES}


def randomise(model, generator):
    """Weights of order one, in double precision but with float32 values."""
    with torch.no_grad():
        for name, p in model.named_parameters():
            if "emb" in name:
                p.normal_(0, 0.5, generator=generator)
            elif p.dim() == 2:
                p.normal_(0, 1.2 * p.shape[1] ** -0.5, generator=generator)
            elif name.endswith("_raw"):
                p.normal_(0, 0.7, generator=generator)
            else:
                p.normal_(1, 0.2, generator=generator)
            p.copy_(p.float())


def sequences(generator, count):
    """`count` batches of (tokens, targets): a noisy successor rule, so that there is something to learn."""
    v = SHAPE["vocabulary"]
    ids = torch.randint(0, v, (count, BATCH, LENGTH + 1), generator=generator)
    noise = torch.rand(ids.shape, generator=generator)
    for t in range(1, LENGTH + 1):
        ids[..., t] = torch.where(noise[..., t] < 0.7, (3 * ids[..., t - 1] + 1) % v, ids[..., t])
    return torch.stack([ids[..., :-1], ids[..., 1:]], 1)


def gradient_terms(model, tokens, targets):
    """Sum of |d loss / d c at one element| over all elements, for every raw scalar."""
    width, heads = model.options.width, model.options.heads
    leaves = {}

    def spread(layer, index):
        mapped = layer.coefficients

        def coefficients(suffix):
            out = {}
            for name, value in mapped(suffix).items():
                unit = (width // heads, width // heads) if name == "betaR" else (width,)
                leaf = value.detach().expand(*tokens.shape, *unit).clone().requires_grad_()
                leaves[f"layers.{index}.{name}{suffix}_raw"] = out[name] = leaf
            return out

        layer.coefficients = coefficients

    for i, layer in enumerate(model.layers):
        spread(layer, i)
    model.loss(tokens, targets).backward()
    for layer in model.layers:
        del layer.coefficients
    parameters, terms = dict(model.named_parameters()), {}
    for name, leaf in leaves.items():
        raw = parameters[name].detach().requires_grad_()
        scalar = name.split(".")[-1].split("_")[0]
        (slope,) = torch.autograd.grad(SCALARS[scalar][0](raw).sum(), raw)
        check = (leaf.grad.sum() * slope - parameters[name].grad).abs().max()
        terms["terms." + name] = leaf.grad.abs().sum() * slope.abs()
        assert check <= 1e-12 * terms["terms." + name].max(), name
    return terms


def train(model, stream, clip):
    optimizer = build_optimizer(model, TRAINING["learning_rate"], foreach=False)
    losses, norms, rates = [], [], []
    for step, (tokens, targets) in enumerate(stream):
        rate = TRAINING["learning_rate"] * learning_rate_factor(step, TRAINING["steps"], TRAINING["warm_up"])
        loss, norm = train_step(model, optimizer, tokens, targets, rate, clip)
        losses.append(loss.item())
        norms.append(norm.item())
        rates.append(rate)
    with torch.no_grad():
        losses.append(model.loss(*stream[0]).item())
    return [torch.tensor(x, dtype=torch.float64) for x in (losses, norms, rates)]


def sort_header(path):
    """The library writes metadata in random order; sorted, the same numbers give the same file."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[end:])


def write(path, seed, options):
    generator = torch.Generator().manual_seed(seed)
    training = TRAINING | {key: options[key] for key in options if key in TRAINING}
    options = {key: options[key] for key in options if key not in TRAINING}
    options = Options(**SHAPE, **options, attention="plain")
    model = LanguageModel(options).double()
    randomise(model, generator)
    stream = sequences(generator, TRAINING["steps"])
    tokens, targets = sequences(generator, 1)[0]

    tensors = {"weights." + n: p.detach().float().clone() for n, p in model.named_parameters()}
    logits, loss = model(tokens), model.loss(tokens, targets)
    loss.backward()
    tensors |= {"gradients." + n: p.grad.clone() for n, p in model.named_parameters()}
    tensors |= gradient_terms(model, tokens, targets)
    tensors |= {"tokens": tokens.int(), "targets": targets.int(), "stream": stream.int()}
    tensors |= {"logits": logits.detach(), "loss": loss.detach()}

    single = LanguageModel(options)
    single.load_state_dict(model.state_dict())
    losses, norms, rates = train(model, stream, training["clip"])
    losses32, _, _ = train(single, stream, training["clip"])
    tensors |= {"losses": losses, "losses_float32": losses32, "gradient_norms": norms,
                "learning_rates": rates}
    fields = dataclasses.asdict(options) | training | dict(batch=BATCH, length=LENGTH)
    save_file({k: v.contiguous() for k, v in tensors.items()}, path,
              metadata={k: str(v) for k, v in fields.items()})
    sort_header(path)
    drift = ((losses32 - losses).abs() / losses).max().item()
    print(f"{path.name:32} {path.stat().st_size:7d} bytes  loss {losses[0]:.4f} -> {losses[-1]:.4f}  "
          f"norms {norms.min():.2f}..{norms.median():.2f}..{norms.max():.2f} clipped {int((norms > training['clip']).sum()):2d} of {len(norms)}  float32 drift {drift:.1e}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "fixtures")
    folder.mkdir(parents=True, exist_ok=True)
    for seed, (name, options) in enumerate(FIXTURES.items(), start=1):
        write(folder / f"{name}.safetensors", seed, options)
