"""The textbook's RMSProp on linear regression, by PyTorch's own optimizer: seconds per epoch and final loss, as JSON.

Usage: torch_rmsprop.py DATA.csv   (standardised columns, label last)
"""
import json
import statistics
import sys
import time

try:
    import torch
except ImportError:
    sys.exit("PyTorch is not installed (Debian: apt-get install python3-torch)")

BATCH_SIZE = 10
EPOCHS = 2
REPEATS = 15


def train(features, labels, seed):
    """Two epochs on rows shuffled beforehand. Returns the model and the seconds of the training loop."""
    torch.manual_seed(seed)
    model = torch.nn.Linear(features.shape[1], 1)
    torch.nn.init.normal_(model.weight, std=0.01)
    torch.nn.init.zeros_(model.bias)
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.01, alpha=0.9, eps=1e-6)
    loss_function = torch.nn.MSELoss()
    shuffled = []
    for _ in range(EPOCHS):
        order = torch.randperm(len(labels))
        shuffled.append((features[order], labels[order]))

    start = time.perf_counter()
    for x, y in shuffled:
        for first in range(0, len(y), BATCH_SIZE):
            optimizer.zero_grad()
            loss = loss_function(model(x[first:first + BATCH_SIZE]), y[first:first + BATCH_SIZE]) / 2
            loss.backward()
            optimizer.step()
    return model, time.perf_counter() - start


def main():
    torch.set_num_threads(1)  # faster than several on rows this small
    with open(sys.argv[1]) as file:
        data = torch.tensor([[float(cell) for cell in line.split(",")] for line in file])
    features, labels = data[:, :-1].contiguous(), data[:, -1:].contiguous()
    _, first = train(features, labels, seed=0)
    seconds, losses = [], []
    for seed in range(REPEATS):
        model, elapsed = train(features, labels, seed)
        seconds.append(elapsed)
        with torch.no_grad():
            losses.append(torch.nn.functional.mse_loss(model(features), labels).item() / 2)
    print(json.dumps({
        "version": torch.__version__,
        "first_fit_seconds": first,
        "fit_seconds": statistics.median(seconds),
        "seconds_per_epoch": statistics.median(seconds) / EPOCHS,
        "half_mse": statistics.median(losses),
    }))


if __name__ == "__main__":
    main()
