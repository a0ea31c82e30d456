from __future__ import annotations

import pickle

from study.core.errors import Fault, InputFaults


def test_faults_come_back_from_a_worker_as_they_went() -> None:
    error = InputFaults([Fault("study.toml", "[mel] n_mels", 4, "expected more"), Fault("a.csv", "", None, "missing")])
    back = pickle.loads(pickle.dumps(error))
    assert str(back) == str(error) and back.faults == error.faults
