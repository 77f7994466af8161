# SPDX-License-Identifier: MIT
"""Greedy generation with a cache of keys and values in PyTorch, driven line by line.

    setting MODEL BATCH THREADS   a model, small or gpt2, with an empty cache. Answers the largest
                                  difference between its logits and the uncached model's.
    prompt                        reads the prompts anew. Answers its seconds.
    step COUNT                    COUNT tokens more for each. Answers its seconds.
"""

import os
import pathlib
import sys
import time

# A scheduler may leave two threads on one core for seconds; ours do not let it either.
os.environ.setdefault("OMP_PROC_BIND", "true")

import torch  # noqa: E402
import torch.nn.functional as F

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "parity"))
import reference  # noqa: E402

PROMPT = 128
MODELS = {
    "small": dict(layers=6, width=384, heads=6, hidden=1536, vocabulary=8192, context=256),
    "gpt2": dict(layers=12, width=768, heads=12, hidden=3072, vocabulary=50304, context=1024),
}


class Cached:
    """The vanilla model's forward pass on new tokens, whose past lies in preallocated tensors."""

    def __init__(self, model, batch):
        self.model, o = model, model.options
        shape = (batch, o.heads, o.context, o.width // o.heads)
        self.cache = [(torch.zeros(shape), torch.zeros(shape)) for _ in model.layers]
        self.past = 0

    def __call__(self, tokens):
        m, (batch, n) = self.model, tokens.shape
        end = self.past + n
        x = m.tok_emb(tokens) + m.pos_emb.weight[self.past : end]
        for layer, (keys, values) in zip(m.layers, self.cache):
            heads = layer.attn.heads
            qkv = layer.attn.qkv_proj(layer.ln_attn(x)).view(batch, n, 3, heads, -1)
            q, k, v = qkv.permute(2, 0, 3, 1, 4)
            keys[:, :, self.past : end], values[:, :, self.past : end] = k, v
            out = F.scaled_dot_product_attention(
                q, keys[:, :, :end], values[:, :, :end], is_causal=n > 1
            )
            x = x + layer.attn.out_proj(out.transpose(1, 2).reshape(batch, n, -1))
            x = x + layer.mlp(layer.ln_mlp(x))
        self.past = end
        return F.linear(m.final_ln(x[:, -1]), m.tok_emb.weight)


def main():
    models, cached, prompt, tokens = {}, None, None, None
    for line in sys.stdin:
        command, *words = line.split()
        start = time.perf_counter()
        if command == "setting":
            name, batch, threads = words[0], int(words[1]), int(words[2])
            torch.set_num_threads(threads)
            torch.manual_seed(1)
            if name not in models:
                models = {name: reference.build_model("vanilla", **MODELS[name])}
            prompt = torch.randint(MODELS[name]["vocabulary"], (batch, PROMPT))
            cached = Cached(models[name], batch)
            few = prompt[:1, :5]
            trial = Cached(models[name], 1)
            trial(few[:, :3]), trial(few[:, 3:4])
            answer = float((trial(few[:, 4:]) - models[name](few)[:, -1]).abs().max())
        elif command == "prompt":
            cached.past = 0
            tokens = cached(prompt).argmax(-1, keepdim=True)
            answer = time.perf_counter() - start
        else:
            for _ in range(int(words[0])):
                tokens = cached(tokens).argmax(-1, keepdim=True)
            answer = time.perf_counter() - start
        print(answer, flush=True)


with torch.inference_mode():
    main()
