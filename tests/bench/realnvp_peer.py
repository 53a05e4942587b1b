"""A training step of RealNVP in plain PyTorch, for tests/bench/step_ratio.sh: affine couplings that take
turns, their log-scales bounded by 2 tanh(r / 2), ReLU conditioners, ActNorm at both ends, Adam and the
same averaging of parameters as iflow's. Prints {"seconds_per_step": ...} on one line.
"""

import argparse
import json
import math
import time

import numpy as np
import torch
from torch import nn


class ActNorm(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.log_scale = nn.Parameter(torch.zeros(columns))
        self.shift = nn.Parameter(torch.zeros(columns))

    def forward(self, x):
        return (x + self.shift) * self.log_scale.exp(), self.log_scale.sum()


class AffineCoupling(nn.Module):
    def __init__(self, columns, hidden, from_second):
        super().__init__()
        self.half = columns // 2
        self.from_second = from_second
        inputs = columns - self.half if from_second else self.half
        widths = [inputs, *hidden, 2 * (columns - inputs)]
        layers = []
        for a, b in zip(widths, widths[1:]):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.conditioner = nn.Sequential(*layers[:-1])
        nn.init.zeros_(self.conditioner[-1].weight)
        nn.init.zeros_(self.conditioner[-1].bias)

    def forward(self, x):
        first, second = x[:, : self.half], x[:, self.half :]
        passed, mapped = (second, first) if self.from_second else (first, second)
        r, t = self.conditioner(passed).chunk(2, dim=1)
        s = 2 * torch.tanh(r / 2)
        mapped = mapped * s.exp() + t
        y = (mapped, passed) if self.from_second else (passed, mapped)
        return torch.cat(y, dim=1), s.sum(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--blocks", type=int, required=True)
    parser.add_argument("--hidden", required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--logdet", help="ignored: a coupling's is exact")
    parser.add_argument("--power-iters", help="ignored: nothing is normalised")
    args = parser.parse_args()

    rows = np.loadtxt(args.data, delimiter=",", skiprows=1, dtype=np.float32)
    rows = torch.from_numpy((rows - rows.mean(0)) / rows.std(0))
    columns = rows.shape[1]
    hidden = [int(width) for width in args.hidden.split(",")]
    couplings = [AffineCoupling(columns, hidden, i % 2 == 1) for i in range(args.blocks)]
    flow = nn.ModuleList([ActNorm(columns), *couplings, ActNorm(columns)])
    parameters = list(flow.parameters())
    averages = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.Adam(parameters, lr=2e-3)

    def step():
        x = rows[torch.randint(len(rows), (args.batch,))]
        log_det = torch.zeros(args.batch)
        for layer in flow:
            x, more = layer(x)
            log_det = log_det + more
        loss = (x**2 / 2 + math.log(2 * math.pi) / 2).sum(1).mean() - log_det.mean()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            torch._foreach_mul_(averages, 0.999)
            torch._foreach_add_(averages, parameters, alpha=0.001)

    for _ in range(5):
        step()
    start = time.perf_counter()
    for _ in range(args.steps):
        step()
    print(json.dumps({"seconds_per_step": (time.perf_counter() - start) / args.steps, "end": 0}))


if __name__ == "__main__":
    main()
