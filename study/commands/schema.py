"""`study schema`: the study file's JSON schema, for editors that complete and check it."""

from __future__ import annotations

import json


def schema() -> None:
    """Print the JSON schema of study.toml."""
    from study.core.study_file import Study

    print(json.dumps(Study.model_json_schema(by_alias=True), indent=1))
