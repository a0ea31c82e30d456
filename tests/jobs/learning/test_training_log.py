from __future__ import annotations

from pathlib import Path

from jobs.learning.training_log import cut_log, read_epochs, write_line


def test_epochs_are_read_as_they_were_logged(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    assert read_epochs(log) == []
    write_line(log, "started", device="cpu")
    for epoch in (1, 2, 2):  # two launches trained the run at once
        write_line(log, "epoch", epoch=epoch, step=9 * epoch, loss={"a": 1.0 / epoch}, validation_loss={"a": None})
    write_line(log, "epoch", epoch=2, step=18, loss={"a": 0.25}, validation_loss={"a": 0.3})
    with log.open("a") as file:
        file.write('{"event": "epoch", "epoch": 3, "lo')  # killed while writing
    assert [(line["epoch"], line["loss"], line["validation_loss"]) for line in read_epochs(log)] == [
        (1, {"a": 1.0}, {"a": None}), (2, {"a": 0.25}, {"a": 0.3})
    ]  # fmt: skip
    cut_log(log, 1)
    assert [line["epoch"] for line in read_epochs(log)] == [1]
