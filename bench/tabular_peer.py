# SPDX-License-Identifier: MIT
"""The same policy gradient step in numpy, driven line by line over standard input.

    problem S A GAMMA NUMBERS   for every pair its S probabilities and its reward; then S start
                                probabilities. Answers 'ready'.
    steps N                     N steps. Answers their seconds of processor time.
    objective                   answers the value of the start distribution.
"""

import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"  # a 5 x 5 system gains nothing from threads

import numpy as np  # noqa: E402

RATE = 1.25e-4


class Ascent:
    def __init__(self, states, actions, discount, numbers):
        self.discount = discount
        pairs = np.array(numbers[: -states]).reshape(states, actions, states + 1)
        self.transition = np.ascontiguousarray(pairs[:, :, :states])
        self.reward = np.ascontiguousarray(pairs[:, :, states])
        self.start = np.array(numbers[-states:])
        self.logits = np.zeros((states, actions))
        self.identity = np.eye(states)

    def policy(self):
        e = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    def system(self, policy):
        transition = (policy[:, None, :] @ self.transition)[:, 0, :]
        return self.identity - self.discount * transition, (policy * self.reward).sum(axis=1)

    def objective(self):
        matrix, reward = self.system(self.policy())
        return self.start @ np.linalg.solve(matrix, reward)

    def step(self):
        policy = self.policy()
        matrix, reward = self.system(policy)
        inverse = np.linalg.inv(matrix)  # serves the values and the visits
        value = inverse @ reward
        visits = self.start @ inverse
        advantage = self.reward + self.discount * (self.transition @ value) - value[:, None]
        self.logits += RATE * visits[:, None] * policy * advantage


def main():
    ascent = None
    for line in sys.stdin:
        command, *words = line.split()
        if command == "problem":
            states, actions = int(words[0]), int(words[1])
            ascent = Ascent(states, actions, float(words[2]), [float(w) for w in words[3:]])
            answer = "ready"
        elif command == "steps":
            start = time.process_time()
            for _ in range(int(words[0])):
                ascent.step()
            answer = time.process_time() - start
        else:
            answer = repr(float(ascent.objective()))
        print(answer, flush=True)


main()
