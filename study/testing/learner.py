"""What every learner must do. A test class inherits the contract and names the learner and what it is called with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch

from jobs.learning.batches import crop_reader
from jobs.learning.learners import learner
from jobs.learning.learners.learner import Context, Learned, Learner
from jobs.learning.precision import Arithmetic
from study.core.sections import Mel, Training
from study.core.strategies import BUILT_IN
from study.testing.memory_store import memory_store

N_TRACKS, FRAMES, BANDS, RATE_HZ = 12, 70, 32, 8000
STATISTICS = np.full(BANDS, -40.0), np.full(BANDS, 20.0)


class LearnerContract:
    """Subclass with `name`, of one of ours or of an entry point, and `arguments`."""

    name: str

    def arguments(self, folder: Path) -> dict[str, Any]:
        """What it is called with beside its context: its settings and, written to the folder, its `weights`."""
        return {}

    def loaded(self) -> Learner:
        return learner(self.name)

    def context(self, folder: Path) -> Context:
        """A small corpus of noise in memory, with one source of three factors."""
        (folder / "own").mkdir(parents=True, exist_ok=True)
        return Context(
            run_id="00000000000000ab",
            strategy="SS-R",
            sharing=BUILT_IN["SS-R"],
            sources=("tag",),
            levels={},
            settings=Training(epochs=2, batch_size=4, width=0.25),
            objectives={"tag": "kl"},
            labels={"tag": np.random.default_rng(4).dirichlet(np.ones(3), N_TRACKS)},
            source_factors={"tag": 3},
            store=memory_store([FRAMES] * N_TRACKS),
            statistics=STATISTICS,
            crop_frames=FRAMES,
            training_tracks=np.arange(9),
            validation_tracks=np.arange(9, N_TRACKS),
            sample_rate_hz=RATE_HZ,
            mel=Mel(n_mels=BANDS, n_fft=256, hop_samples=64, crop_s=0.5),
            device="cpu",
            threads=1,
            gpu_share=1.0,
            arithmetic=Arithmetic(),
            folder=folder / "own",
            log_path=folder / "log.jsonl",
        )

    def learned(self, folder: Path) -> Learned:
        """What it gives in this folder: the first time anew, later again."""
        return self.loaded().learn(self.context(folder), **self.arguments(folder))

    def vectors(self, found: Learned, folder: Path, first: int = 0, n: int = 3) -> np.ndarray:
        """Of `n` crops, (n, d), or of the parts of `n` files."""
        if found.of_file is not None:
            return np.concatenate([found.of_file(_sound(folder, number)) for number in range(first, first + n)])
        reader = crop_reader(self.context(folder).store, STATISTICS, FRAMES, torch.device("cpu"))
        crops = reader.read(np.arange(first, first + n), np.zeros(n, dtype=int))
        compute = found.of_crops if found.network is None else found.network.representation
        assert compute is not None
        with torch.inference_mode():
            return compute(crops).numpy()

    def test_its_vectors_are_finite_and_as_wide_as_it_says(self, tmp_path: Path) -> None:
        found = self.learned(tmp_path)
        vectors = self.vectors(found, tmp_path)
        assert found.outcome == "ok" and len(vectors) >= 3
        assert vectors.ndim == 2 and vectors.shape[1] == found.size[0] and np.isfinite(vectors).all()
        assert vectors.std(axis=0).max() > 0, "different sounds have different vectors"

    def test_called_again_it_gives_the_same(self, tmp_path: Path) -> None:
        """In the folder where it has learned; and anew, in a folder of its own."""
        first = self.vectors(self.learned(tmp_path / "a"), tmp_path / "a")
        np.testing.assert_array_equal(self.vectors(self.learned(tmp_path / "a"), tmp_path / "a"), first)
        np.testing.assert_array_equal(self.vectors(self.learned(tmp_path / "b"), tmp_path / "b"), first)

    def test_a_vector_depends_on_its_own_sound_alone(self, tmp_path: Path) -> None:
        found = self.learned(tmp_path)
        together, alone = self.vectors(found, tmp_path), self.vectors(found, tmp_path, first=1, n=1)
        parts = len(together) // 3
        np.testing.assert_allclose(alone, together[parts : 2 * parts], rtol=1e-4, atol=1e-5)

    def test_it_leaves_the_state_of_others_alone(self, tmp_path: Path) -> None:
        """Randomness comes from the context, so that no other part of a study draws otherwise for it."""
        before, legacy = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
        self.vectors(self.learned(tmp_path), tmp_path)
        assert torch.equal(torch.get_rng_state(), before)
        np.testing.assert_array_equal(np.random.get_state()[1], legacy)  # noqa: NPY002


def _sound(folder: Path, number: int) -> Path:
    """A file of noise, 1.2 s."""
    import soundfile  # here, so that learners of crops are tested without it

    path = folder / f"sound{number}.wav"
    noise = np.random.default_rng(number).standard_normal(int(1.2 * RATE_HZ)) * 0.1
    soundfile.write(path, noise, RATE_HZ)
    return path
