"""What every objective must do. A test class inherits the contract and names the objective and its labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from jobs.learning.batches import crop_reader
from jobs.learning.objectives import objective
from jobs.learning.tasks import Batch, Task, item_losses, source_tasks, training_batches
from jobs.learning.train import train
from jobs.networks.branching import Network, build_network
from jobs.sound.mel_store import MelStore
from study.core.sections import Training
from study.testing.memory_store import memory_store

N_TRACKS, FRAMES, BANDS, FACTORS = 12, 70, 32, 4
STATISTICS = np.full(BANDS, -40.0), np.full(BANDS, 20.0)


class ObjectiveContract:
    """Subclass with `name`, of one of ours or of an entry point, and `labels`."""

    name: str
    n_tracks = N_TRACKS
    steps = 300
    part = 0.1
    """What of the first loss, above the least, is left on a fixed batch after so many steps."""

    def labels(self, rng: np.random.Generator) -> np.ndarray | None:
        """(N_TRACKS, factors) that the objective learns from; None if it needs none."""
        raise NotImplementedError

    @pytest.fixture
    def store(self) -> MelStore:
        return memory_store([FRAMES] * N_TRACKS)

    def built(self, strategy: str = "MS-CR@6", width: float = 0.25) -> Network:
        """A network of this objective beside a source of KL."""
        labels = self.labels(np.random.default_rng(2))
        sources = {"own": None if labels is None else labels.shape[1], "other": 3}
        return build_network(
            strategy, sources, 1, BANDS, width, objectives={"own": self.name}, seed=np.random.SeedSequence(3)
        )

    def tables(self) -> dict[str, np.ndarray]:
        labels = self.labels(np.random.default_rng(2))
        other = np.random.default_rng(4).dirichlet(np.ones(3), N_TRACKS)
        return {"other": other} | ({} if labels is None else {"own": labels})

    def tasks(self, network: Network) -> list[Task]:
        every = np.arange(N_TRACKS)
        return source_tasks(network, self.tables(), every, every, torch.device("cpu"))

    def first_batch(self, store: MelStore, network: Network, seed: int = 5, n: int = 8) -> Batch:
        reader = crop_reader(store, STATISTICS, 63, torch.device("cpu"))
        batches = training_batches(np.random.default_rng(seed), reader, self.tasks(network), n)
        return next(batch for batch in batches if batch.source == 0)

    def losses(self, store: MelStore, network: Network, batch: Batch) -> torch.Tensor:
        reader = crop_reader(store, STATISTICS, 63, torch.device("cpu"))
        return item_losses(network, reader, self.tasks(network)[0], batch.codes, batch.peak_db, batch.wanted, "float32")

    def test_an_item_has_a_loss_that_is_not_below_the_least(self, store: MelStore) -> None:
        network = self.built()
        losses = self.losses(store, network, self.first_batch(store, network))
        assert losses.shape == (8,) and bool(losses.isfinite().all())
        assert float(losses.mean().detach()) >= objective(self.name).least(8)

    def test_gradients_reach_only_its_branch(self, store: MelStore) -> None:
        network = self.built()
        self.losses(store, network, self.first_batch(store, network)).mean().backward()
        reached = {name for name, weight in network.named_parameters() if weight.grad is not None}
        own = ("shared.", "branches.0.", "heads.0.")
        assert reached == {name for name, _ in network.named_parameters() if name.startswith(own)}

    def test_a_batch_is_the_seeds(self, store: MelStore) -> None:
        network = self.built()
        one, again, other = (self.first_batch(store, network, seed) for seed in (5, 5, 6))
        assert torch.equal(one.codes, again.codes) and torch.equal(one.wanted, again.wanted)
        assert not torch.equal(one.codes, other.codes)
        assert len(one.codes) == 8 * objective(self.name).crops

    def test_a_fixed_batch_is_learned(self, store: MelStore) -> None:
        network = self.built("MSS-CR")
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
        batch, least = self.first_batch(store, network), objective(self.name).least(8)
        optimiser = torch.optim.Adam(network.parameters(), 0.003)
        first = float(self.losses(store, network, batch).mean().detach()) - least
        for _ in range(self.steps):
            loss = self.losses(store, network, batch).mean()
            if float(loss.detach()) - least < self.part * first:
                return
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        pytest.fail(f"from {first:.3g} to {float(loss.detach()) - least:.3g} above the least in {self.steps} steps")

    def test_resumed_training_ends_with_the_same_bits(self, store: MelStore, tmp_path: Path) -> None:
        whole = self.trained(store, tmp_path / "whole", epochs=2)
        self.trained(store, tmp_path / "parts", epochs=1)
        resumed = self.trained(store, tmp_path / "parts", epochs=2)
        assert all(torch.equal(one, other) for one, other in zip(whole, resumed, strict=True))
        lines = (tmp_path / "whole" / "log.jsonl").read_text(encoding="utf-8").splitlines()
        assert json.loads(lines[-1])["validation_loss"]["own"] >= objective(self.name).least(4)

    def trained(self, store: MelStore, folder: Path, epochs: int) -> list[torch.Tensor]:
        network = self.built(width=0.1)
        folder.mkdir(exist_ok=True)
        ended = train(
            network, store=store, statistics=STATISTICS, crop_frames=63, labels=self.tables(),
            training_tracks=np.arange(8), validation_tracks=np.arange(8, N_TRACKS),
            settings=Training(epochs=epochs, batch_size=4, checkpoint_minutes=1e-9), run_id="cd" * 8, device="cpu",
            threads=1, checkpoint_folder=folder / "checkpoints", log_path=folder / "log.jsonl",
        )  # fmt: skip
        assert ended.outcome == "ok"
        return list(network.state_dict().values())

    def test_a_loaded_network_has_its_head(self) -> None:
        network = self.built()
        again = build_network(**network.specification, seed=np.random.SeedSequence(0))
        again.load_state_dict(network.state_dict())
        assert again.objectives == network.objectives
