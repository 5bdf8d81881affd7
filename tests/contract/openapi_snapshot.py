"""The OpenAPI description that the code serves; run as a program it renews docs/openapi.json."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from deepflash_service.jobs.supervisor import Supervisor
from deepflash_service.settings import Settings
from deepflash_service.web.app import create_app
from deepflash_service.web.context import ServiceContext
from deepflash_service.web.security import Access


def describe_api() -> dict[str, Any]:
    """Return the answer of ``GET /api/v1/openapi.json``."""
    with tempfile.TemporaryDirectory() as folder:
        supervisor = Supervisor(Path(folder))
        context = ServiceContext(Settings(home=Path(folder)), supervisor, Access(token="t"))
        client = create_app(context).test_client()
        answer = client.get("/api/v1/openapi.json", headers={"Authorization": "Bearer t"})
        supervisor.close()
        found: dict[str, Any] = json.loads(answer.data)
        return found


if __name__ == "__main__":
    target = Path(__file__).resolve().parents[2] / "docs" / "openapi.json"
    text = json.dumps(describe_api(), indent=1, sort_keys=True) + "\n"
    target.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{target} written\n")
