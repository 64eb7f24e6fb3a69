from __future__ import annotations

import pytest
from demo_process import Demo


@pytest.fixture
def start_demo(tmp_path):
    demos: list[Demo] = []

    def start(*arguments: str) -> Demo:
        demos.append(Demo(tmp_path, *arguments))
        return demos[-1]

    yield start
    for demo in demos:
        demo.kill()
