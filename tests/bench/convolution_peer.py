"""A training step of the default model of 28 x 28 grey images in plain PyTorch, to time iflow's against:
squeeze, 24 blocks, squeeze, 24 blocks, each a 3x3, a 1x1 and a 3x3 convolution with CLipSwish before every
one and ActNorm in front, convolutions normalised by one power iteration on the operator every fourth step,
log-determinants by roulette (at least k terms with the chance (2 / k)^2) with their gradient by the Neumann
series, Adam and an average of the parameters. Prints {"seconds_per_image": ...} on one line.

    OMP_NUM_THREADS=1 python3 tests/bench/convolution_peer.py
"""

import argparse
import json
import statistics
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


class CLipSwish(nn.Module):
    def __init__(self):
        super().__init__()
        self.raw = nn.Parameter(torch.tensor(0.5414))

    def forward(self, x):
        a = F.softplus(self.raw)
        return torch.cat([x * torch.sigmoid(a * x), -x * torch.sigmoid(-a * x)], 1) / (1.1 * 1.004)


class SpectralConvolution(nn.Module):
    """The weight is W min(1, c / sigma), sigma = <u, W * v> for images u and v."""

    def __init__(self, inputs, outputs, side, pixels, c=0.98):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side))
        self.bias = nn.Parameter(torch.zeros(outputs))
        nn.init.orthogonal_(self.weight)
        self.c, self.pad = c, side // 2
        self.register_buffer("u", F.normalize(torch.randn(outputs * pixels * pixels), dim=0).view(1, outputs, pixels, pixels))
        self.register_buffer("v", torch.zeros(1, inputs, pixels, pixels))
        self.update(20)

    @torch.no_grad()
    def update(self, iterations=1):
        for _ in range(iterations):
            v = F.conv_transpose2d(self.u, self.weight, padding=self.pad)
            self.v = v / v.norm()
            u = F.conv2d(self.v, self.weight, padding=self.pad)
            self.u = u / u.norm()

    def forward(self, x):
        sigma = (self.u * F.conv2d(self.v, self.weight, padding=self.pad)).sum()
        return F.conv2d(x, self.weight * torch.clamp(self.c / sigma, max=1.0), self.bias, padding=self.pad)


class Block(nn.Module):
    def __init__(self, channels, filters, pixels):
        super().__init__()
        sizes = [channels, filters, filters, channels]
        layers = []
        for i, side in enumerate([3, 1, 3]):
            layers += [CLipSwish(), SpectralConvolution(2 * sizes[i], sizes[i + 1], side, pixels)]
        self.g = nn.Sequential(*layers)
        self.log_scale = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, channels, 1, 1))

    def forward(self, x):
        x = ((x + self.shift) * self.log_scale.exp()).requires_grad_(True)
        g = self.g(x)
        v = torch.randint_like(x, 2) * 2 - 1
        n = int(2 / np.sqrt(1 - np.random.random()))
        vjp = series = v
        for k in range(1, n):
            vjp = torch.autograd.grad(g, x, vjp, retain_graph=True)[0]
            series = series + (-1) ** k * max((k + 1) / 2, 1) ** 2 * vjp
        surrogate = (torch.autograd.grad(g, x, series, create_graph=True)[0] * v).sum((1, 2, 3))
        pixels = x.shape[2] * x.shape[3]
        return x + g, surrogate + self.log_scale.sum() * pixels


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=24)
    parser.add_argument("--filters", type=int, default=24)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=8)
    options = parser.parse_args()
    torch.manual_seed(0)
    np.random.seed(0)
    scales = nn.ModuleList(
        nn.ModuleList(Block(channels, options.filters, pixels) for _ in range(options.blocks))
        for channels, pixels in [(4, 14), (16, 7)])
    adam = torch.optim.Adam(scales.parameters(), lr=1e-2)
    average = [p.detach().clone() for p in scales.parameters()]
    seconds = []
    for step in range(options.steps):
        start = time.perf_counter()
        x, log_det = torch.randn(options.batch, 1, 28, 28), 0
        for blocks in scales:
            x = F.pixel_unshuffle(x, 2)
            for block in blocks:
                x, surrogate = block(x)
                log_det = log_det + surrogate
        loss = (0.5 * x.pow(2).sum((1, 2, 3)) - log_det).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        with torch.no_grad():
            for a, p in zip(average, scales.parameters()):
                a.lerp_(p, 0.001)
        if step % 4 == 0:
            for module in scales.modules():
                if isinstance(module, SpectralConvolution):
                    module.update()
        seconds.append(time.perf_counter() - start)
    per_image = statistics.median(seconds[2:]) / options.batch
    print(json.dumps({"seconds_per_image": per_image, "threads": torch.get_num_threads()}))


if __name__ == "__main__":
    main()
