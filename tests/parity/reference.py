# SPDX-License-Identifier: MIT
"""The backbone and the update rules in PyTorch, written from the equations.

This file is the second opinion against which the C++ library is held: generate.py stores its
logits, losses, gradients and training curves, the parity tests compare. It is also the peer of
the benchmarks, so the default path is what a careful PyTorch user would run.

    model = build_model("tmm", layers=6, width=384, heads=6, hidden=1536, vocabulary=8192, context=256)
    loss = model.loss(tokens, targets)                  # mean cross-entropy, nats
    optimizer = build_optimizer(model, learning_rate=1e-3)

One sublayer is one step of a first-order optimizer on the hidden state x: the oracle
g = O(q) is the attention or MLP branch with its own pre-norm, evaluated at the query q.

    vanilla      q = x           x' = x + g
    heavy-ball   q = x           v' = N(beta v + gamma g)          x' = x + v'
    nesterov     q = x + mu v    v' = N(beta v + gamma g)          x' = x + v'
    tmm          q = x + mu v    v' = N(beta v + gamma g)          x' = x + nu v'
    adam         q = x           m' = b1 m + (1-b1) g
                                 s' = b2 s + (1-b2) g^2            x' = x + gamma N(m' / (sqrt s' + eps))
    adamw        q = x           as adam                           x' = (1-lambda) x + gamma N(...)
    rmsprop      q = x           s' as adam                        x' = x + gamma N(g / (sqrt s' + eps))
    ortho        q = x                                             x' = x + gamma N(NS(g))
    muon         q = x           m' = beta m + (1-beta) g          x' = x + gamma N(NS(m'))
    shampoo      q = x           R' = bR R + (1-bR) G^T G          x' = x + gamma N(G P(R'))
    soap         q = x           m' = b1 m + (1-b1) g, R' so       x' = x + gamma N(M' P(R'))

G and M' are g and m' as [heads, head_dim] matrices of one token; NS is five Newton-Schulz steps, P
ten uncoupled Newton steps towards the inverse root. m starts from a second table, R at the identity.
N is LayerNorm with a gain and without a bias, or the identity (velocity_norm="none").
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn

NORM_EPSILON = 1e-5
ADAM_EPSILON = 1e-8

# How a learned scalar is stored: an unconstrained raw value and the map that bounds it.
UNIT, POSITIVE = torch.sigmoid, F.softplus
SCALARS = {  # name: (map, initial raw value, shape)
    "mu": (UNIT, 0.0, (1,)),
    "beta": (UNIT, 0.0, (1,)),
    "gamma": (POSITIVE, 0.0, (1,)),
    "nu": (POSITIVE, 0.5413248, (1,)),
    "beta1": (UNIT, 0.0, (1,)),
    "beta2": (UNIT, 0.0, (1,)),
    "betaR": (UNIT, 0.0, (1,)),
    "lambda": (UNIT, -5.0, ()),
}


# ---------------------------------------------------------------------------------------------
# The rules. `state` holds the streams beside x; `c` the mapped scalars, and the number of heads;
# `norm` is N above.


class Vanilla:
    scalars, streams, norm_name, table = (), (), None, None

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        return x + g, state


class HeavyBall:
    scalars, streams, norm_name, table = ("beta", "gamma"), ("v",), "ln_v", "vel"

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        (v,) = state
        v = norm(c["beta"] * v + c["gamma"] * g)
        return x + v, (v,)


class Nesterov:
    scalars, streams, norm_name, table = ("mu", "beta", "gamma"), ("v",), "ln_v", "vel"

    @staticmethod
    def query(x, state, c):
        (v,) = state
        return x + c["mu"] * v

    @staticmethod
    def step(x, state, g, c, norm):
        (v,) = state
        v = norm(c["beta"] * v + c["gamma"] * g)
        return x + v, (v,)


class TripleMomentum:
    scalars, streams, norm_name, table = ("mu", "beta", "gamma", "nu"), ("v",), "ln_v", "vel"

    @staticmethod
    def query(x, state, c):
        (v,) = state
        return x + c["mu"] * v

    @staticmethod
    def step(x, state, g, c, norm):
        (v,) = state
        v = norm(c["beta"] * v + c["gamma"] * g)
        return x + c["nu"] * v, (v,)


class Adam:
    scalars, streams, norm_name, table = ("beta1", "beta2", "gamma"), ("m", "s"), "ln_update", "m"

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def moments(state, g, c):
        m, s = state
        m = c["beta1"] * m + (1 - c["beta1"]) * g
        s = c["beta2"] * s + (1 - c["beta2"]) * g * g
        return m, s

    @staticmethod
    def step(x, state, g, c, norm):
        m, s = Adam.moments(state, g, c)
        return x + c["gamma"] * norm(m / (torch.sqrt(s) + ADAM_EPSILON)), (m, s)


class AdamW:
    scalars, streams = ("beta1", "beta2", "gamma", "lambda"), ("m", "s")
    norm_name, table = "ln_update", "m"

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        m, s = Adam.moments(state, g, c)
        update = c["gamma"] * norm(m / (torch.sqrt(s) + ADAM_EPSILON))
        return (1 - c["lambda"]) * x + update, (m, s)


class RmsProp:
    scalars, streams, norm_name, table = ("beta2", "gamma"), ("s",), "ln_update", None

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        (s,) = state
        s = c["beta2"] * s + (1 - c["beta2"]) * g * g
        return x + c["gamma"] * norm(g / (torch.sqrt(s) + ADAM_EPSILON)), (s,)


def heads_of(row, c):
    return row.unflatten(-1, (c["heads"], -1))


def newton_schulz(m):
    """NS of the last two dimensions: the odd quintic, five times, on the large Gram matrix."""
    y = m / torch.linalg.matrix_norm(m, keepdim=True).clamp_min(1e-12)
    for _ in range(5):
        a = y.transpose(-1, -2) @ y
        y = 3.4445 * y + y @ (-4.7750 * a + 2.0315 * a @ a)
    return y


def inverse_root(r):
    """P of the last two dimensions."""
    one = torch.eye(r.shape[-1], dtype=r.dtype, device=r.device)
    r = r + 1e-6 * one
    c = torch.linalg.matrix_norm(r, keepdim=True).clamp_min(1e-6)
    a, x = r / c, one
    for _ in range(10):
        x = 0.5 * x @ (3 * one - x @ a @ x)
    return x / torch.sqrt(c)


class Ortho:
    scalars, streams, norm_name, table = ("gamma",), (), "ln_update", None

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        return x + c["gamma"] * norm(newton_schulz(heads_of(g, c)).flatten(-2)), state


class Muon:
    scalars, streams, norm_name, table = ("beta", "gamma"), ("m",), "ln_update", "m"

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        (m,) = state
        m = c["beta"] * m + (1 - c["beta"]) * g
        return x + c["gamma"] * norm(newton_schulz(heads_of(m, c)).flatten(-2)), (m,)


class Shampoo:
    scalars, streams, norm_name, table = ("betaR", "gamma"), ("R",), "ln_update", None

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def covariance(r, g, c):
        g = heads_of(g, c)
        return c["betaR"] * r + (1 - c["betaR"]) * (g.transpose(-1, -2) @ g)

    @staticmethod
    def step(x, state, g, c, norm):
        (r,) = state
        r = Shampoo.covariance(r, g, c)
        return x + c["gamma"] * norm((heads_of(g, c) @ inverse_root(r)).flatten(-2)), (r,)


class Soap:
    scalars, streams, norm_name, table = ("beta1", "betaR", "gamma"), ("m", "R"), "ln_update", "m"

    @staticmethod
    def query(x, state, c):
        return x

    @staticmethod
    def step(x, state, g, c, norm):
        m, r = state
        m = c["beta1"] * m + (1 - c["beta1"]) * g
        r = Shampoo.covariance(r, g, c)
        return x + c["gamma"] * norm((heads_of(m, c) @ inverse_root(r)).flatten(-2)), (m, r)


RULES = {
    "vanilla": Vanilla,
    "heavy-ball": HeavyBall,
    "nesterov": Nesterov,
    "tmm": TripleMomentum,
    "adam": Adam,
    "adamw": AdamW,
    "rmsprop": RmsProp,
    "ortho": Ortho,
    "muon": Muon,
    "shampoo": Shampoo,
    "soap": Soap,
}
MATRIX_RULES = ("ortho", "muon", "shampoo", "soap")


# ---------------------------------------------------------------------------------------------
# The backbone.


@dataclass(frozen=True)
class Options:
    rule: str = "vanilla"
    layers: int = 12
    width: int = 768
    heads: int = 12
    hidden: int = 3072
    vocabulary: int = 50304
    context: int = 1024
    velocity_norm: str = "layernorm"  # or "none": N is the identity
    velocity_start: str = "learned"  # or "zero": no second table, v0 = 0 (m0 = 0)
    splitting: str = "lie_trotter"  # or "euler": one step per layer on the sum of both oracles
    read_out: float = 0.0  # delta of LN_f(x + delta v)
    attention: str = "fused"  # or "plain": the softmax written out


def layer_norm(width):
    return nn.LayerNorm(width, eps=NORM_EPSILON, bias=False)


def linear(inputs, outputs):
    return nn.Linear(inputs, outputs, bias=False)


class Attention(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.heads, self.kind = options.heads, options.attention
        self.qkv_proj = linear(options.width, 3 * options.width)
        self.out_proj = linear(options.width, options.width)

    def forward(self, y):
        batch, length, width = y.shape
        qkv = self.qkv_proj(y).view(batch, length, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each [batch, heads, length, head_dim]
        if self.kind == "fused":
            out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = q @ k.transpose(-1, -2) / math.sqrt(width // self.heads)
            future = torch.ones(length, length, dtype=torch.bool, device=y.device).triu(1)
            out = scores.masked_fill(future, float("-inf")).softmax(-1) @ v
        return self.out_proj(out.transpose(1, 2).reshape(batch, length, width))


class Mlp(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.w1 = linear(options.width, options.hidden)
        self.w2 = linear(options.hidden, options.width)

    def forward(self, y):
        return self.w2(F.gelu(self.w1(y)))  # the exact form, with erf


class Layer(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.rule = RULES[options.rule]
        self.euler = options.splitting == "euler"
        self.ln_attn, self.ln_mlp = layer_norm(options.width), layer_norm(options.width)
        self.attn, self.mlp = Attention(options), Mlp(options)
        self.normed = options.velocity_norm == "layernorm" and self.rule.norm_name is not None
        for suffix in ("",) if self.euler else ("_attn", "_mlp"):
            if self.normed:
                self.add_module(self.rule.norm_name + suffix, layer_norm(options.width))
            for name in self.rule.scalars:
                _, raw, shape = SCALARS[name]
                self.register_parameter(name + suffix + "_raw", nn.Parameter(torch.full(shape, raw)))

    def coefficients(self, suffix):
        """The scalars of one step, mapped from their raw values."""
        return {n: SCALARS[n][0](getattr(self, n + suffix + "_raw")) for n in self.rule.scalars}

    def substep(self, x, state, suffix, oracle):
        c = self.coefficients(suffix) | {"heads": self.attn.heads}
        norm = getattr(self, self.rule.norm_name + suffix) if self.normed else lambda u: u
        g = oracle(self.rule.query(x, state, c))
        return self.rule.step(x, state, g, c, norm)

    def forward(self, x, state):
        def attention(q):
            return self.attn(self.ln_attn(q))

        def mlp(q):
            return self.mlp(self.ln_mlp(q))

        if self.euler:
            return self.substep(x, state, "", lambda q: attention(q) + mlp(q))
        x, state = self.substep(x, state, "_attn", attention)
        return self.substep(x, state, "_mlp", mlp)


class LanguageModel(nn.Module):
    def __init__(self, options):
        super().__init__()
        self.options, self.rule = options, RULES[options.rule]
        self.tok_emb = nn.Embedding(options.vocabulary, options.width)
        self.pos_emb = nn.Embedding(options.context, options.width)
        self.prefix = self.rule.table if options.velocity_start == "learned" else None
        if self.prefix is not None:
            self.add_module(self.prefix + "_tok_emb", nn.Embedding(options.vocabulary, options.width))
            self.add_module(self.prefix + "_pos_emb", nn.Embedding(options.context, options.width))
        self.layers = nn.ModuleList(Layer(options) for _ in range(options.layers))
        self.final_ln = layer_norm(options.width)
        self.initialise()

    def initialise(self, generator=None):
        """Matrices and tables N(0, 0.02^2); what writes to the stream N(0, (0.02/sqrt(2L))^2)."""
        residual = 0.02 / math.sqrt(2 * self.options.layers)
        with torch.no_grad():
            for name, p in self.named_parameters():
                if p.dim() == 2:
                    last = name.endswith(("out_proj.weight", "w2.weight"))
                    p.normal_(0.0, residual if last else 0.02, generator=generator)

    def streams(self, tokens, positions, x):
        """The initial value of every stream beside x."""
        size = self.options.width // self.options.heads
        one = torch.eye(size, dtype=x.dtype, device=x.device)
        start = {"s": torch.ones_like, "R": lambda x: one.expand(*x.shape[:-1], size, size)}
        first = torch.zeros_like(x)
        if self.prefix is not None:
            first = getattr(self, self.prefix + "_tok_emb")(tokens)
            first = first + getattr(self, self.prefix + "_pos_emb")(positions)
        return tuple(start[n](x) if n in start else first for n in self.rule.streams)

    def hidden(self, tokens):
        """(x, streams) after the last layer."""
        positions = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.tok_emb(tokens) + self.pos_emb(positions)
        state = self.streams(tokens, positions, x)
        for layer in self.layers:
            x, state = layer(x, state)
        return x, state

    def forward(self, tokens):
        x, state = self.hidden(tokens)
        if self.options.read_out != 0.0:
            x = x + self.options.read_out * state[0]
        return F.linear(self.final_ln(x), self.tok_emb.weight)

    def loss(self, tokens, targets):
        return F.cross_entropy(self(tokens).flatten(0, 1), targets.flatten())


def build_model(rule, layers, width, heads, hidden, vocabulary, context, **more):
    """A model with its initial weights; `more` are the remaining fields of Options."""
    return LanguageModel(Options(rule, layers, width, heads, hidden, vocabulary, context, **more))


def count_parameters(model):
    return sum(p.numel() for p in model.parameters())


# ---------------------------------------------------------------------------------------------
# Training.


def build_optimizer(model, learning_rate, **more):
    """AdamW for everything; decay on matrices and tables, none on gains and scalars."""
    decayed = [p for p in model.parameters() if p.dim() == 2]
    others = [p for p in model.parameters() if p.dim() != 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, 0.95), eps=1e-8, **more)


def learning_rate_factor(step, steps, warm_up, floor=0.1):
    """Linear from 0 at step 0 to 1 at `warm_up`, then half a cosine down to `floor` at `steps`."""
    if step < warm_up:
        return step / warm_up
    progress = (step - warm_up) / max(1, steps - warm_up)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * progress))


def train_step(model, optimizer, tokens, targets, learning_rate, clip=1.0):
    """One AdamW step; returns (loss before it, gradient norm) as tensors, so nothing waits."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad(set_to_none=True)
    loss = model.loss(tokens, targets)
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.detach(), norm
