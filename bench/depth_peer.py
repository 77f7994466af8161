# SPDX-License-Identifier: MIT
"""Training steps of the same model in PyTorch, driven line by line over standard input.

    setting RULE MODE THREADS ADAMW LAYERS WIDTH HEADS HIDDEN VOCABULARY BATCH LENGTH
                    a new model; MODE eager or compiled; ADAMW single, foreach or fused. Answers the
                    loss of its first step.
    step            one whole training step. Answers its seconds.
    memory          answers the largest resident size so far, in bytes.
"""

import os
import pathlib
import resource
import sys
import time

# A scheduler may leave two threads on one core for seconds; ours do not let it either.
os.environ.setdefault("OMP_PROC_BIND", "true")

import torch  # noqa: E402

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "parity"))
import reference  # noqa: E402  the library's second opinion is also its rival

KINDS = {"single": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}


class Steps:
    def __init__(self, rule, mode, threads, adamw, *sizes):
        layers, width, heads, hidden, vocabulary, batch, length = map(int, sizes)
        torch.set_num_threads(int(threads))
        torch.manual_seed(1)
        self.model = reference.build_model(
            rule,
            layers=layers,
            width=width,
            heads=heads,
            hidden=hidden,
            vocabulary=vocabulary,
            context=length,
        )
        self.optimizer = reference.build_optimizer(self.model, 1e-3, **KINDS[adamw])
        if mode == "compiled":
            self.model.forward = torch.compile(self.model.forward)
        self.tokens = torch.randint(vocabulary, (batch, length))
        self.targets = torch.randint(vocabulary, (batch, length))

    def run(self):
        loss, _ = reference.train_step(self.model, self.optimizer, self.tokens, self.targets, 1e-3)
        return float(loss)


def main():
    steps = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "setting":
            steps = Steps(*words)
            answer = steps.run()
        elif command == "step":
            start = time.perf_counter()
            steps.run()
            answer = time.perf_counter() - start
        else:
            answer = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(answer, flush=True)


main()
